"""JSON Schemas of everything canonical, versioned: what partners and editors check against."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from crossdock.canonical.base import Document
from crossdock.canonical.facts import FACT_TYPES, fact_version
from crossdock.canonical.intents import INTENT_KINDS
from crossdock.canonical.orders import OrderChanged, OrderPlaced
from crossdock.canonical.receipts import SaleRecorded
from crossdock.canonical.stock import (
    DocumentSeen,
    ItemDescribed,
    MovementRecorded,
    ReceiptExpected,
    ShipmentReported,
    StockCounted,
)

Schema: TypeAlias = "dict[str, object]"
SCHEMA_BASE: Final = "https://crossdock.dev/schemas/"
DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"

DOCUMENTS: Final[Mapping[str, type[Document]]] = {
    str(kind.__struct_config__.tag): kind
    for kind in (
        OrderPlaced, OrderChanged, SaleRecorded, MovementRecorded, StockCounted, ReceiptExpected, ItemDescribed,
        ShipmentReported, DocumentSeen,
    )
}  # fmt: skip
"""What other systems tell the hub."""


def schemas() -> Mapping[str, Schema]:
    """File name → schema, for every document, intent and fact at the version this release writes."""
    kinds: dict[str, type[Document]] = {f"documents/{name}.v1": kind for name, kind in DOCUMENTS.items()}
    kinds |= {f"intents/{name}.v1": kind for name, kind in INTENT_KINDS.items()}
    kinds |= {f"facts/{name}.v{fact_version(name)}": kind for name, kind in FACT_TYPES.items()}
    return {f"{name}.json": _schema(name, kind) for name, kind in sorted(kinds.items())}


def _schema(name: str, kind: type[Document]) -> Schema:
    (reference,), components = msgspec.json.schema_components((kind,), ref_template="#/$defs/{name}")
    if name.startswith("documents/"):
        take_numbers(components)
    return {"$schema": DRAFT, "$id": f"{SCHEMA_BASE}{name}.json", **reference, "$defs": components}


def take_numbers(part: object) -> None:
    """What we write as text we also take as a JSON number: say so, in place, of every decimal with bounds."""
    if isinstance(part, dict):
        if part.get("format") == "decimal" and "pattern" in part:
            part["type"] = ["string", "number"]
        for each in part.values():
            take_numbers(each)
    elif isinstance(part, list):
        for each in part:
            take_numbers(each)


def export(folder: Path) -> int:
    """Write every schema below *folder*; how many."""
    written = schemas()
    for name, schema in written.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(msgspec.json.format(msgspec.json.encode(schema, order="sorted"), indent=2) + b"\n")
    return len(written)
