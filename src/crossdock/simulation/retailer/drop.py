"""How a store hands over its receipts: rendered in its dialect, put into a folder so that no half file is ever read."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from crossdock.simulation.retailer.model import Dialect, Store, TillEvent
from crossdock.simulation.retailer.ndjson import ndjson
from crossdock.simulation.retailer.poslog import poslog_2, poslog_6

RENDER: Final[Mapping[Dialect, Callable[[Sequence[TillEvent]], bytes]]] = {
    Dialect.POSLOG_2: poslog_2,
    Dialect.POSLOG_6: poslog_6,
    Dialect.NDJSON: ndjson,
}
SUFFIX: Final = {Dialect.POSLOG_2: ".xml", Dialect.POSLOG_6: ".xml", Dialect.NDJSON: ".ndjson"}
CONTENT_TYPE: Final = {
    Dialect.POSLOG_2: "application/xml",
    Dialect.POSLOG_6: "application/xml",
    Dialect.NDJSON: "application/x-ndjson",
}


def render(store: Store, events: Sequence[TillEvent]) -> bytes:
    """What *store* sends for *events*, in its own dialect."""
    return RENDER[store.dialect](events)


def file_name(store: Store, events: Sequence[TillEvent], run: int) -> str:
    """Store, business day and run number, as stores name their files."""
    return f"{store.code}_{events[0].key.business_day:%Y%m%d}_{run:04d}{SUFFIX[store.dialect]}"


async def put(folder: Path, name: str, body: bytes) -> Path:
    """Write under a temporary name, then rename: a reader sees the whole file or none."""
    return await asyncio.to_thread(_put, folder, name, body)


def _put(folder: Path, name: str, body: bytes) -> Path:
    half, whole = folder / f".{name}.tmp", folder / name
    half.write_bytes(body)
    return half.replace(whole)
