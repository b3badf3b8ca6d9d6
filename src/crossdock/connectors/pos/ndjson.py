"""Receipts as newline-delimited JSON: one receipt a line in the hub's own document, and, if there is one, a trailer.

The fields are those of the `sale_recorded` schema (`crossdock schemas export`). Amounts may be numbers or text; a time
without offset is the store's local time. The trailer `{"document": "trailer", "count": N}` proves that a file is whole.

A line that says `"document": "item_described"` describes an item instead, in the fields of that schema.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from crossdock.canonical.base import LocationCode, Tax
from crossdock.canonical.orders import Person
from crossdock.canonical.receipts import (
    LineKind,
    ReceiptKind,
    ReceiptLine,
    ReceiptRef,
    ReceiptTender,
    SaleRecorded,
)
from crossdock.canonical.stock import ItemDescribed
from crossdock.connector_kit.model import Damaged, Decoded, Received
from crossdock.connector_kit.record import Record, Undecodable, describe, parse_json, unknown_location
from crossdock.connectors.pos.node import CODE_MAX, TEXT_MAX
from crossdock.connectors.pos.receipt import key_of, record
from crossdock.foundation.misfit import misfits, of_decoder, of_field
from crossdock.foundation.plain import composed_json, needs_a_look

LINE_BYTES_MAX: Final = 4 * 1024 * 1024
SEQUENCE_MAX: Final = 10**15
ITEM: Final = str(ItemDescribed.__struct_config__.tag)
FOREIGN_LINES_MAX: Final = 100
"""So many unreadable lines before the first good one, and it is no such file."""
K = TypeVar("K", LineKind, ReceiptKind)


def decode_ndjson(received: Received) -> Iterator[Decoded | Damaged]:
    """Every line of a file; raises Undecodable when it is something else."""
    good = bad = counted = 0
    stated: Record | None = None
    for number, raw in _lines(received.body):
        found = _line(received, f"line {number}: $", raw)
        if isinstance(found, Record):
            stated = found
            continue
        counted += 1
        if isinstance(found, Decoded):
            good += 1
        elif (bad := bad + 1) >= FOREIGN_LINES_MAX and not good:
            raise Undecodable(f"line {number}", f"not newline-delimited receipts: {found.error}")
        yield found
    if stated is not None:
        yield from _check_count(stated, counted)
    elif not counted:
        raise Undecodable("$", "the file holds no receipt, and no trailer that says so")


def _lines(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank, numbered from 1, one at a time: a file is not held twice."""
    start, number = 0, 0
    while start < len(body):
        end = body.find(b"\n", start)
        end = len(body) if end < 0 else end
        number += 1
        line = body[start:end].strip()
        if line:
            yield number, line
        start = end + 1


def _line(received: Received, path: str, raw: bytes) -> Decoded | Damaged | Record:
    """A receipt, or the trailer as it is."""
    key = ""
    try:
        entry = _entry(path, raw)
        if entry.text_or_none("document") == "trailer":
            return entry
        if entry.text_or_none("document") == ITEM:
            key = f"item/{entry.key('sku')}"
            return _item(received, path, raw)
        ref = _ref(received, entry)
        key = key_of(ref)
        return record(_document(received, entry, ref), _persons(entry))
    except Undecodable as error:
        return Damaged(error=error, key=key, raw=raw)
    except (ValueError, OverflowError) as error:  # what a canonical document, or a calendar, refuses
        place, reason = of_field(str(error), SaleRecorded)
        return Damaged(error=Undecodable(path + place.removeprefix("$"), reason), key=key, raw=raw)


def _entry(path: str, raw: bytes) -> Record:
    if len(raw) > LINE_BYTES_MAX:
        raise Undecodable(path, f"more than {LINE_BYTES_MAX // 1024 // 1024} MiB in one line")
    try:
        entry = Record(parse_json(raw), path)
    except Undecodable as error:
        raise Undecodable(path + error.path.removeprefix("$"), error.reason) from None
    kind = entry.text_or_none("document")
    if kind not in {None, "sale_recorded", "trailer", ITEM}:
        raise Undecodable(f"{path}.document", f'wanted "sale_recorded", "{ITEM}" or "trailer", got {describe(kind)}')
    return entry


def _persons(entry: Record) -> tuple[Person, ...]:
    """The loyalty customer, when the till names one: `customer` with `channel_customer_id` or `email`."""
    customer = entry.one_or_none("customer")
    if customer is None:
        return ()
    known = customer.key("channel_customer_id") if customer.has("channel_customer_id") else ""
    return (Person(channel_customer_id=known, email=customer.text_or_empty("email")),)


def _item(received: Received, path: str, raw: bytes) -> Decoded:
    """Each telling is an event of its own: an item may become again what it was before."""
    try:
        item = msgspec.json.decode(composed_json(raw), type=ItemDescribed)
    except msgspec.ValidationError as error:
        wrong = (misfits(raw, ItemDescribed) or [of_decoder(str(error))])[0]
        raise Undecodable(path + wrong.path.removeprefix("$"), wrong.reason) from None
    if needs_a_look(raw) and (found := misfits(raw, ItemDescribed)):
        raise Undecodable(path + found[0].path.removeprefix("$"), found[0].reason)
    content = blake2b(msgspec.json.encode(item), digest_size=16).hexdigest()
    told = f"{received.received_at.isoformat()}/{content}"
    return Decoded(document=item, key=f"item/{item.sku}", event_id=f"item/{item.sku}/{told}")


def _check_count(trailer: Record, counted: int) -> Iterator[Damaged]:
    try:
        said = trailer.whole("count")
    except Undecodable as error:
        yield Damaged(error=error)
        return
    if said != counted:
        yield Damaged(error=Undecodable(f"{trailer.path}.count", f"says {said}, the file holds {counted}"))


def _ended_at(entry: Record, zone: ZoneInfo | None, store: str) -> datetime:
    try:
        return entry.moment("ended_at", zone)
    except Undecodable as error:
        entry.moment("ended_at", UTC)  # what is wrong with it otherwise is said as it is
        reason = f'{error.reason}, and location "{store}" has no time zone in the estate'
        raise unknown_location(error.path, reason, store) from None


def _document(received: Received, entry: Record, ref: ReceiptRef) -> SaleRecorded:
    kind = _choice(entry, "kind", ReceiptKind.SALE)
    posts = kind in (ReceiptKind.SALE, ReceiptKind.VOID)
    voids = entry.one_or_none("voids")
    return SaleRecorded(
        store=ref.store,
        till=ref.till,
        business_day=ref.business_day,
        sequence=ref.sequence,
        ended_at=_ended_at(entry, received.zones.get(ref.store), ref.store),
        currency=entry.text("currency"),
        total=entry.number("total") if posts else Decimal(0),
        kind=kind,
        transaction_id=_text(entry, "transaction_id"),
        prices_include_tax=entry.flag_or("prices_include_tax", default=True),
        lines=tuple(_goods(received, each) for each in entry.each_or_none("lines")) if posts else (),
        tenders=tuple(_tender(received, each) for each in entry.each_or_none("tenders")) if posts else (),
        rounding=(entry.number_or_none("rounding") or Decimal(0)) if posts else Decimal(0),
        voids=_ref(received, voids) if voids and kind is ReceiptKind.VOID else None,
        operator=_text(entry, "operator"),
    )


def _ref(received: Received, entry: Record) -> ReceiptRef:
    store = _code(entry, "store")
    sequence = entry.whole("sequence")
    if not 0 <= sequence < SEQUENCE_MAX:
        raise Undecodable(f"{entry.path}.sequence", f"wanted a whole number from 0, got {describe(sequence)}")
    return ReceiptRef(
        store=LocationCode(received.names.get("locations", {}).get(store, store)),
        till=_code(entry, "till"),
        business_day=entry.day("business_day"),
        sequence=sequence,
    )


def _goods(received: Received, entry: Record) -> ReceiptLine:
    original = entry.one_or_none("original")
    quantity = entry.number("quantity")
    if quantity <= 0:
        raise Undecodable(f"{entry.path}.quantity", f"wanted a quantity above 0, got {describe(str(quantity))}")
    return ReceiptLine(
        number=entry.whole("number"),
        sku=_code(entry, "sku"),
        quantity=quantity,
        amount=entry.number("amount"),
        kind=_choice(entry, "kind", LineKind.SALE),
        discount=entry.number_or_none("discount") or Decimal(0),
        taxes=tuple(_tax(received, each) for each in entry.each_or_none("taxes")),
        unit=_code(entry, "unit") if entry.has("unit") else "each",
        voided=entry.flag_or("voided", default=False),
        original=_ref(received, original) if original else None,
        reason=_text(entry, "reason"),
        name=_text(entry, "name"),
    )


def _tax(received: Received, entry: Record) -> Tax:
    code = _code(entry, "code")
    return Tax(
        code=received.names.get("taxes", {}).get(code, code),
        amount=entry.number("amount"),
        rate=entry.number_or_none("rate"),
    )


def _tender(received: Received, entry: Record) -> ReceiptTender:
    tender = _code(entry, "tender")
    return ReceiptTender(
        tender=received.names.get("tenders", {}).get(tender, tender),
        amount=entry.number("amount"),
        reference=_text(entry, "reference"),
    )


def _code(entry: Record, name: str) -> str:
    text = entry.key(name).strip()
    if not 0 < len(text) <= CODE_MAX:
        raise Undecodable(f"{entry.path}.{name}", f"wanted 1 to {CODE_MAX} characters, got {describe(text)}")
    return text


def _text(entry: Record, name: str) -> str:
    return entry.text_or_empty(name)[:TEXT_MAX]


def _choice(entry: Record, name: str, default: K) -> K:
    text = entry.text_or_none(name)
    if text is None:
        return default
    kinds = {each.value: each for each in type(default)}
    if text not in kinds:
        raise Undecodable(f"{entry.path}.{name}", f"wanted one of {', '.join(kinds)}, got {describe(text)}")
    return kinds[text]
