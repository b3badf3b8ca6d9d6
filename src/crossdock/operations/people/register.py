"""Who was erased, in a file beside the master key: a backup of the time before still holds their keys.

A restore reads it and erases them again. It holds ids and keyed hashes only, and is of use with this master key alone.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from crossdock.operations.people.model import Entry

REGISTER_FILE: Final = "erased.jsonl"
_DECODER: Final = msgspec.json.Decoder(Entry)


def note(home: Path, entry: Entry) -> None:
    """Append one erasure, on disk when this returns. Call it before the erasure is committed: once more does no harm."""
    handle = os.open(home / REGISTER_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(handle, msgspec.json.encode(entry) + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)


def entries(home: Path) -> Sequence[Entry]:
    """Everything noted so far, oldest first. A last line that was cut by a crash was never committed."""
    try:
        lines = (home / REGISTER_FILE).read_bytes().split(b"\n")
    except FileNotFoundError:
        return ()
    return [_DECODER.decode(line) for line in lines[:-1]]
