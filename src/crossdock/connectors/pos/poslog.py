"""POSLog XML, both dialects, to till receipts: one record per transaction, so that a bad one stands alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Final

from crossdock.canonical.base import LocationCode
from crossdock.canonical.orders import Person
from crossdock.canonical.receipts import ReceiptKind, ReceiptRef, SaleRecorded
from crossdock.connector_kit.model import Damaged, Decoded, Received
from crossdock.connector_kit.record import Undecodable, describe
from crossdock.connectors.pos.lines import GOODS, Words, read_goods, read_reductions, read_summary, refuse_unknown_lines
from crossdock.connectors.pos.money import Stated, read_money, undone
from crossdock.connectors.pos.node import Cut, Node, cut_out, transactions
from crossdock.connectors.pos.receipt import key_of, record
from crossdock.connectors.pos.tenders import read_rounding, read_tenders

CONTROLS: Final = frozenset(
    {"ControlTransaction", "TenderControlTransaction", "InventoryControlTransaction", "InventoryTransaction"}
)
VOIDS: Final = ("PostVoidTransaction", "VoidTransaction")
VOID_CODES: Final = frozenset({"PostVoidTransaction", "VoidTransaction", "PostVoid", "PostVoided", "Void"})
GIVEN_UP: Final = frozenset(
    {"Cancelled", "Canceled", "Failed", "Voided", "Suspended", "SuspendedDeleted", "SuspendedRetrieved"}
)
FINISHED: Final = frozenset({"", "Delivered", "Finished", "Returned", "Tendered", "Totaled", "PostVoided"})
PERSONS: Final = tuple(f"{{*}}{name}" for name in ("CustomerID", "LoyaltyID", "LoyaltyCardID", "LoyaltyAccountID"))
NO_CURRENCY: Final = "XXX"
"""ISO 4217 for "no currency": sign-ons have none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    ref: ReceiptRef
    ended_at: datetime
    currency: str | None
    transaction_id: str
    operator: str


def decode_poslog(received: Received) -> Iterator[Decoded | Damaged]:
    """Every transaction of a file; where the file breaks off, the last record says so."""
    for node in transactions(received.body):
        if isinstance(node, Cut):
            yield Damaged(error=node.error)
        else:
            yield _transaction(received, node)


def _transaction(received: Received, node: Node) -> Decoded | Damaged:
    key = ""
    try:
        ref = _ref(received, node, None)
        key = key_of(ref)
        return record(_document(received, node, _header(received, node, ref)), _persons(node))
    except Undecodable as error:
        return Damaged(error=error, key=key, raw=cut_out(node))
    except ValueError as error:  # what a canonical document refuses
        return Damaged(error=Undecodable(node.path, str(error)), key=key, raw=cut_out(node))


def _persons(node: Node) -> tuple[Person, ...]:
    """Loyalty customers, wherever a dialect names them."""
    told = (element.text or "" for element in node.element.iter(*PERSONS))
    return tuple(Person(channel_customer_id=each) for each in dict.fromkeys(text.strip() for text in told) if each)


def _header(received: Received, node: Node, ref: ReceiptRef) -> _Header:
    return _Header(
        ref=ref,
        ended_at=_ended_at(node, received.zones.get(ref.store), ref.store),
        currency=_currency(node) or received.settings.get("currency") or None,
        transaction_id=node.text_of("TransactionID"),
        operator=node.text_of("OperatorID"),
    )


def _ref(received: Received, node: Node, default: ReceiptRef | None) -> ReceiptRef:
    """The natural key of a transaction, or of what a link points at; a link leaves out what is the same."""
    unit = node.one_or_none("BusinessUnit")
    store = node.code_or_none("RetailStoreID") or (unit.code_or_none("UnitID") if unit else None)
    till = node.code_or_none("WorkstationID")
    day: date | None = None
    if default is None:
        store = store or (unit.code("UnitID") if unit else node.code("RetailStoreID"))
        till = till or node.code("WorkstationID")
    if default is None or node.text_of("BusinessDayDate"):
        day = node.day("BusinessDayDate")
    names = received.names.get("locations", {})
    return ReceiptRef(
        store=LocationCode(names.get(store, store)) if store else _known(default).store,
        till=till or _known(default).till,
        business_day=day or _known(default).business_day,
        sequence=node.whole("SequenceNumber"),
    )


def _known(default: ReceiptRef | None) -> ReceiptRef:
    assert default is not None
    return default


def _ended_at(node: Node, zone: tzinfo | None, store: str) -> datetime:
    stamps = [stamp for stamp in node.each("POSLogDateTime") if stamp.attribute("TypeCode") != "Message"]
    retail = node.one_or_none("RetailTransaction")
    places = [node.one_or_none("EndDateTime"), *stamps, retail and retail.one_or_none("ReceiptDateTime")]
    for place in (*places, node.one_or_none("BeginDateTime")):
        if place and place.text:
            return place.moment(zone, store)
    raise Undecodable(f"{node.path}/EndDateTime", "wanted date and time, got nothing")


def _document(received: Received, node: Node, header: _Header) -> SaleRecorded:
    if node.flag("TrainingModeFlag"):
        return _no_money(header, ReceiptKind.TRAINING)
    if node.flag("CancelFlag"):
        return _no_money(header, ReceiptKind.CANCELLED)
    retail = next((found for name in ("RetailTransaction", *VOIDS) if (found := node.one_or_none(name))), None)
    if retail is None:
        if CONTROLS.isdisjoint(node.children()):
            wanted = "wanted a RetailTransaction or a control transaction"
            raise Undecodable(node.path, f"{wanted}, got {describe(' '.join(node.children()))}")
        return _no_money(header, ReceiptKind.CONTROL)
    status = retail.attribute("TransactionStatus").rpartition(":")[2]
    if status in GIVEN_UP:
        return _no_money(header, ReceiptKind.CANCELLED)
    if status not in FINISHED:
        raise Undecodable(f"{retail.path}/@TransactionStatus", f"not a known status: {describe(status)}")
    return _retail(received, node, retail, header)


def _no_money(header: _Header, kind: ReceiptKind) -> SaleRecorded:
    """Uses a number and nothing else: whatever such a transaction holds must not be added up by anybody."""
    return SaleRecorded(
        store=header.ref.store,
        till=header.ref.till,
        business_day=header.ref.business_day,
        sequence=header.ref.sequence,
        ended_at=header.ended_at,
        currency=header.currency or NO_CURRENCY,
        total=Decimal(0),
        kind=kind,
        transaction_id=header.transaction_id,
        operator=header.operator,
    )


def _retail(received: Received, node: Node, retail: Node, header: _Header) -> SaleRecorded:
    items = retail.each("LineItem")
    refuse_unknown_lines(retail, items)
    link = retail.one_or_none("TransactionLink")
    linked = _ref(received, link, header.ref) if link else None
    tenders = read_tenders(items, received.names.get("tenders", {}))
    words = Words(
        settings=received.settings,
        taxes=received.names.get("taxes", {}),
        link=lambda each: _ref(received, each, header.ref),
    )
    goods = read_goods(items, words, linked)
    summary, included = read_summary(retail, items, words)
    rounding = read_rounding(items)
    voids = _voided(node, retail, link, linked)
    stated = Stated(
        total=_grand_total(retail),
        tenders=tenders,
        rounding=rounding,
        taxes=summary,
        tax_included=included,
        either_way=voids is not None,
    )
    reading = read_money(goods, read_reductions(items), stated)
    if voids is not None:
        reading, tenders = undone(reading, tenders)
    currency = header.currency
    if currency is None:
        raise Undecodable(f"{node.path}/CurrencyCode", "wanted text, got nothing")
    return SaleRecorded(
        store=header.ref.store,
        till=header.ref.till,
        business_day=header.ref.business_day,
        sequence=header.ref.sequence,
        ended_at=header.ended_at,
        currency=currency,
        total=reading.total,
        kind=ReceiptKind.SALE if voids is None else ReceiptKind.VOID,
        transaction_id=header.transaction_id,
        prices_include_tax=reading.tax_included,
        lines=reading.lines,
        tenders=tenders,
        rounding=rounding,
        voids=voids,
        operator=header.operator,
    )


def _voided(node: Node, retail: Node, link: Node | None, linked: ReceiptRef | None) -> ReceiptRef | None:
    """What a post-void takes back; None when the transaction is no void."""
    reason = link.attribute("ReasonCode") if link else ""
    signs = {
        node.attribute("TypeCode"),
        retail.attribute("TypeCode"),
        retail.attribute("TransactionStatus"),
        reason,
        *(name for name in VOIDS if node.one_or_none(name)),
    }
    if VOID_CODES.isdisjoint(signs):
        return None
    if linked is None:
        raise Undecodable(f"{retail.path}/TransactionLink", "wanted the receipt that is voided, got nothing")
    return linked


def _grand_total(retail: Node) -> Decimal | None:
    """What the receipt says it comes to; "net" amounts are no help, because tills disagree on net of what."""
    totals = {each.attribute("TotalType"): each for each in reversed(retail.each("Total"))}
    found = totals.get("TransactionGrandAmount") or totals.get("")
    return found.number if found else None


def _currency(node: Node) -> str | None:
    """What the transaction says of its own money: at its head, on its totals, else on the amounts of its lines.

    Tenders are not asked: a customer may pay in another currency. Amounts in several currencies are nobody's guess.
    """
    said = node.code_or_none("CurrencyCode")
    if said:
        return said
    for retail in node.each("RetailTransaction"):
        lines = [part for line in retail.each("LineItem") for kind in GOODS for part in line.each(kind)]
        for place in (retail.each("Total"), lines):
            named = sorted({name for part in place for name in _named(part)})
            if len(named) > 1:
                raise Undecodable(f"{retail.path}", f"wanted one currency, got {', '.join(named)}")
            if named:
                return named[0]
    return None


def _named(part: Node) -> Iterator[str]:
    for element in part.element.iter():
        found = (element.get("CurrencyCode") or element.get("Currency") or "").strip()
        if found:
            yield found
