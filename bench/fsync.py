"""What one durable write costs on this disk."""

import os
import time
from pathlib import Path
from statistics import median


def fdatasync_ms(folder: Path, *, writes: int = 200) -> float:
    """Median of writing and syncing one 8 kB page, over and over in place."""
    page = os.urandom(8192)
    file = folder / "fsync"
    handle = os.open(file, os.O_CREAT | os.O_RDWR, 0o600)
    sync = getattr(os, "fdatasync", os.fsync)
    try:
        os.pwrite(handle, page, 0)
        sync(handle)
        return median(_timed(handle, page, sync) for _ in range(writes))
    finally:
        os.close(handle)
        file.unlink()


def _timed(handle: int, page: bytes, sync: "object") -> float:
    assert callable(sync)
    began = time.perf_counter()
    os.pwrite(handle, page, 0)
    sync(handle)
    return (time.perf_counter() - began) * 1000
