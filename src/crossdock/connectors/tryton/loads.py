"""The first load: items and stock as they stand, and the lists that `match` works on."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from crossdock.canonical.base import LocationCode
from crossdock.canonical.stock import StockCounted
from crossdock.connector_kit.model import Damaged, Decoded, Page, Received, Theirs
from crossdock.connector_kit.record import Record, Undecodable
from crossdock.connector_kit.session import Session
from crossdock.connectors.tryton.changes import ITEMS, our_item
from crossdock.connectors.tryton.codes import LOCATION, SKU, SOLD, not_our_own
from crossdock.connectors.tryton.rpc import Tryton
from crossdock.connectors.tryton.wire import Json

_ROWS_MAX: Final = 1000
_COUNTED: Final[Sequence[Json]] = (["type", "=", "goods"], ["consumable", "!=", True])
_MODELS: Final = {
    SKU: ("product.product", ("code", "name", "identifiers.code"), SOLD),
    LOCATION: ("stock.location", ("code", "name"), (["type", "=", "warehouse"],)),
    "customer": ("party.party", ("code", "name"), ()),
}


async def fetch_items(session: Session, cursor: str) -> Page:
    """All goods and services, in the order of their ids."""
    domain: Sequence[Json] = [*SOLD, not_our_own(session), ["id", ">", int(cursor or 0)]]
    fields = ["write_date", "create_date", *ITEMS.fields]
    rows = await Tryton(session).raw("product.product", domain, fields, limit=_ROWS_MAX)
    last = str(Record(rows[-1]).whole("id")) if rows else cursor
    return Page(body=msgspec.json.encode({"records": rows}), cursor=last, more=len(rows) == _ROWS_MAX)


async def fetch_stock(session: Session, cursor: str) -> Page:
    """What is physically there, warehouse by warehouse; items without stock are told too, as zero."""
    tryton = Tryton(session)
    place, item = (int(part) for part in (cursor or "0/0").split("/"))
    warehouses = await tryton.rows(
        "stock.location", [["type", "=", "warehouse"], ["id", ">=", place]], ["code"], limit=2
    )
    if not warehouses:
        return Page(body=msgspec.json.encode({"records": []}), cursor=cursor, more=False)
    here = warehouses[0].whole("id")
    after = item if here == place else 0
    as_of = session.clock.now()
    rows = await tryton.raw(
        "product.product",
        [*_COUNTED, ["id", ">", after]],
        ["code", "quantity"],
        limit=_ROWS_MAX,
        context={"locations": [here], "with_childs": True, "stock_date_end": None},
    )
    ids = [Record(row).whole("id") for row in rows]
    ours = {
        SKU: await session.identities.ours(SKU, [str(each) for each in ids]),
        LOCATION: await session.identities.ours(LOCATION, [str(here)]),
    }
    body = msgspec.json.encode({"warehouse": here, "as_of": as_of, "ours": ours, "records": rows})
    if len(ids) == _ROWS_MAX:
        return Page(body=body, cursor=f"{here}/{ids[-1]}", more=True)
    following = warehouses[1].whole("id") if len(warehouses) > 1 else here + 1
    return Page(body=body, cursor=f"{following}/0", more=len(warehouses) > 1)


def decode_stock(received: Received) -> Iterable[Decoded | Damaged]:
    """Of linked locations only: the others are none of ours."""
    page = Record.parse(received.body)
    location = page.one("ours").one("location").text_or_none(page.key("warehouse")) if page.has("warehouse") else None
    return _counted(page, received.matched, LocationCode(location)) if location is not None else ()


def _counted(
    page: Record, matched: Mapping[str, Mapping[str, str]], location: LocationCode
) -> Iterator[Decoded | Damaged]:
    at = page.moment("as_of")
    for record in page.each("records"):
        try:
            sku = our_item(page, matched, record, "id", record)
            reference = f"tryton-load/{record.key('id')}/{page.key('warehouse')}/{at.isoformat()}"
            count = StockCounted(
                sku=sku, location=location, on_hand=record.number("quantity"), as_of=at, reference=reference
            )
        except Undecodable as error:
            yield Damaged(error=error)
        except ValueError as error:  # what a canonical document refuses
            yield Damaged(error=Undecodable(record.path, str(error)))
        else:
            yield Decoded(document=count, key=f"stock/{sku}/{location}", event_id=reference)


async def directory(session: Session, kind: str) -> AsyncIterator[Theirs]:
    """Items, warehouses or parties."""
    model, fields, domain = _MODELS[kind]
    tryton = Tryton(session)
    only: Sequence[Json] = [not_our_own(session)] if kind == SKU else []
    last = 0
    while True:
        rows = await tryton.rows(model, [*domain, *only, ["id", ">", last]], fields, limit=_ROWS_MAX)
        for row in rows:
            codes = tuple(code.text("code") for code in row.each_or_none("identifiers."))
            yield Theirs(
                kind=kind,
                id=row.key("id"),
                code=row.text_or_empty("code"),
                name=row.text_or_empty("name"),
                barcodes=codes,
            )
        if len(rows) < _ROWS_MAX:
            return
        last = rows[-1].whole("id")
