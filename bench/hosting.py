"""Servers in processes of their own, so that none of them shares an interpreter with another or with its load."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from bench.cluster import Contender

ROOT: Final = Path(__file__).parents[1]


@asynccontextmanager
async def served(kind: str, side: Contender) -> AsyncIterator[int]:
    """The port of a server of *kind* on the side's database, while inside."""
    side.home.mkdir(exist_ok=True)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.serve", kind, side.dsn, str(side.home), stdout=subprocess.PIPE, cwd=ROOT
    )
    try:
        assert process.stdout is not None
        yield int(await process.stdout.readline())
    finally:
        process.terminate()
        await process.wait()
