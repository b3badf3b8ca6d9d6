"""What Tryton's changes mean in our words. Pure decoders over the pages of `feeds`.

Goods that other users of Tryton move (receipts, adjustments, sales by hand) are movements; goods that our own user moves are
not told again: its id on the move says so, whoever asks and whenever.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from hashlib import blake2b
from typing import Final

import msgspec

from crossdock.canonical.base import CATEGORY_MAX, PLACES_MAX, LocationCode
from crossdock.canonical.stock import (
    DocumentSeen,
    FloorMovement,
    HandlingUnit,
    ItemDescribed,
    MovementRecorded,
    ShipmentReported,
)
from crossdock.connector_kit.model import Damaged, Decoded, Received
from crossdock.connector_kit.record import Record, Undecodable, unmatched
from crossdock.connectors.tryton.codes import SKU, SOLD, document_id
from crossdock.connectors.tryton.feeds import Feed
from crossdock.connectors.tryton.wire import changed_at, money_of

_SHIPMENT: Final = "stock.shipment.out"
_ITEM_FIELDS: Final = (
    "code", "name", "active", "list_price_used", "default_uom.symbol", "default_uom.factor", "sale_uom.symbol",
    "sale_uom.factor", "identifiers.code", "type", "consumable", "categories.rec_name",
)  # fmt: skip

SALES: Final = Feed(
    model="sale.sale", fields=("state", "number", "web_id", "total_amount"), domain=(["web_shop", "!=", None],)
)
SHIPMENTS: Final = Feed(model=_SHIPMENT, fields=("state", "number", "reference", "origins"))
RETURNS: Final = Feed(model="stock.shipment.out.return", fields=("state", "number", "reference"))
TRANSFERS: Final = Feed(model="stock.shipment.internal", fields=("state", "number", "reference"))
COUNTS: Final = Feed(model="stock.inventory", fields=("state", "number"))
INVOICES: Final = Feed(
    model="account.invoice",
    fields=("state", "number", "reference", "total_amount"),
    domain=(["type", "=", "out"], ["state", "in", ["posted", "paid", "cancelled"]]),
)
JOURNALS: Final = Feed(
    model="account.move",
    fields=("state", "number", "description"),
    domain=(["state", "=", "posted"], ["origin", "=", None]),
)
"""Entries that come from another document, such as an invoice, are told by that one."""
FLOOR: Final = Feed(
    model="stock.move",
    fields=(
        "product", "product.code", "internal_quantity", "create_uid", "from_location.type", "from_location.warehouse",
        "to_location.type", "to_location.warehouse",
    ),
    domain=(["state", "=", "done"],),
    locations=("from_location.", "to_location."),
)  # fmt: skip
ITEMS: Final = Feed(model="product.product", fields=_ITEM_FIELDS, domain=SOLD, from_the_beginning=True, items=True)
TEMPLATES: Final = Feed(
    model="product.template", fields=(), domain=SOLD, follow=("product.product", "template", _ITEM_FIELDS), items=True
)
"""Name and price belong to the template, whose change does not touch its products."""


def seen(model: str, kind: str, reference: str) -> Callable[[Received], Iterable[Decoded | Damaged]]:
    """A decoder of documents whose field *reference* may carry ours."""
    return partial(_each, partial(_document, model, kind, reference))


def decode_items(received: Received) -> Iterable[Decoded | Damaged]:
    """Items by their code in Tryton."""
    return _each(_item, received)


def decode_floor(received: Received) -> Iterable[Decoded | Damaged]:
    """Goods that others have moved into, out of, or between our locations."""
    return _each(partial(_movements, received.matched), received)


def _each(read: Callable[[Record, Record], Iterator[Decoded]], received: Received) -> Iterator[Decoded | Damaged]:
    page = Record.parse(received.body)
    for record in page.each("records"):
        try:
            yield from list(read(page, record))
        except Undecodable as error:
            yield Damaged(error=error)
        except ValueError as error:  # what a canonical document refuses
            yield Damaged(error=Undecodable(record.path, str(error)))


def _document(model: str, kind: str, reference: str, _: Record, record: Record) -> Iterator[Decoded]:
    named = document_id(model, record.whole("id"))
    at = changed_at(record)
    ours = record.text_or_empty(reference)
    document = DocumentSeen(
        kind=kind, document_id=named, reference=ours, state=record.text("state"), changed_at=at,
        number=record.text_or_empty("number"),
        total=money_of(record, "total_amount") if record.has("total_amount") else None,
    )  # fmt: skip
    yield Decoded(document=document, key=f"{kind}/{ours or named}", event_id=f"{named}@{at.isoformat()}")
    if model == _SHIPMENT and document.state == "done" and ours and record.text_or_empty("origins"):
        left = ShipmentReported(reference=ours, document_id=named, shipped_at=at, number=document.number)
        yield Decoded(document=left, key=f"{kind}/{ours}", event_id=f"{named}/left")


def _item(_: Record, record: Record) -> Iterator[Decoded]:
    sku = record.text("code")
    at = changed_at(record)
    codes = {code.text("code"): None for code in record.each_or_none("identifiers.")}
    item = ItemDescribed(
        sku=sku, name=record.text("name"), unit=record.one("default_uom.").text("symbol"),
        price=money_of(record, "list_price_used") if record.has("list_price_used") else None,
        barcodes=tuple(codes), active=record.flag("active"),
        tracked=record.text("type") == "goods" and not record.flag_or("consumable", default=False),
        category=_category(record), units=_units(record),
    )  # fmt: skip
    # The template's change is not on the record, so what is told is part of the event's name.
    told = blake2b(msgspec.json.encode(item), digest_size=16).hexdigest()
    yield Decoded(document=item, key=f"item/{sku}", event_id=f"item/{sku}@{at.isoformat()}#{told}")


def _category(record: Record) -> str:
    """The first of an item's categories by name, its parents before it; a dot in a name would be another level."""
    names = sorted(category.text("rec_name") for category in record.each_or_none("categories."))
    levels = (" ".join(level.replace(".", " ").split()) for level in names[0].split(" / ")) if names else ()
    return ".".join(level for level in levels if level)[:CATEGORY_MAX].rstrip(". ")


def _units(record: Record) -> tuple[HandlingUnit, ...]:
    """The unit of sales, when one of it is an exact number of what stock is counted in."""
    own, sold = record.one("default_uom."), record.one_or_none("sale_uom.")
    if sold is None or sold.text("symbol") == own.text("symbol"):
        return ()
    factor = round(sold.number("factor") / own.number("factor"), PLACES_MAX)
    if factor <= 0 or factor * own.number("factor") != sold.number("factor"):
        return ()
    return (HandlingUnit(code=sold.text("symbol"), factor=factor),)


def _movements(matched: Mapping[str, Mapping[str, str]], page: Record, record: Record) -> Iterator[Decoded]:
    source, target = record.one("from_location."), record.one("to_location.")
    if record.key("create_uid") == page.key("user") or _warehouse(source) == _warehouse(target):
        return
    for side, other, leaving in ((source, target, True), (target, source, False)):
        location = page.one("ours").one("location").text_or_empty(_warehouse(side)) if _warehouse(side) else ""
        if location:
            sku = our_item(page, matched, record, "product", record.one("product."))
            movement = _movement(sku, record, location, other, leaving=leaving)
            key = f"stock/{movement.sku}/{location}"
            yield Decoded(document=movement, key=key, event_id=movement.reference)


def our_item(page: Record, matched: Mapping[str, Mapping[str, str]], record: Record, field: str, item: Record) -> str:
    """Our code of the item that *field* names: as it was linked when the page was read, or has been since."""
    theirs = record.key(field)
    sku = page.one("ours").one(SKU).text_or_none(theirs) or matched.get(SKU, {}).get(theirs)
    if sku is None:
        name = item.text_or_empty("code") or theirs
        reason = f'item "{name}" of Tryton is not matched to one of ours'
        raise unmatched(f"{record.path}.{field}", SKU, theirs, reason)
    return sku


def _movement(sku: str, record: Record, location: str, other: Record, *, leaving: bool) -> MovementRecorded:
    kind, reason = _kind(other.text("type"), leaving=leaving)
    amount = record.number("internal_quantity")
    return MovementRecorded(
        reference=f"{document_id('stock.move', record.whole('id'))}/{'out' if leaving else 'in'}",
        kind=kind, sku=sku, location=LocationCode(location), reason=reason, happened_at=changed_at(record),
        quantity=-amount if leaving and kind is FloorMovement.ADJUST else amount,
    )  # fmt: skip


_KINDS: Final[Mapping[tuple[str, bool], tuple[FloorMovement, str]]] = {
    ("customer", True): (FloorMovement.ISSUE, "sold in the ERP"),
    ("customer", False): (FloorMovement.RETURN_RECEIVE, "returned in the ERP"),
    ("supplier", False): (FloorMovement.RECEIVE, "received in the ERP"),
    ("supplier", True): (FloorMovement.ISSUE, "returned to the supplier in the ERP"),
    ("storage", True): (FloorMovement.ISSUE, "transferred in the ERP"),
    ("storage", False): (FloorMovement.RECEIVE, "transferred in the ERP"),
}
"""By where the goods go to, or come from, in Tryton's double entry; the flag says that they leave."""


def _kind(other: str, *, leaving: bool) -> tuple[FloorMovement, str]:
    return _KINDS.get((other, leaving), (FloorMovement.ADJUST, f"adjusted in the ERP ({other})"))


def _warehouse(side: Record) -> str:
    return side.key("warehouse") if side.has("warehouse") else ""
