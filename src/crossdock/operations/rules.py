"""Which facts need a person, who that is, and which facts settle the matter. Pure tables."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import singledispatch
from typing import Final
from uuid import UUID

from crossdock.canonical import facts
from crossdock.canonical.base import Document, OrderId
from crossdock.canonical.intents import UNDOES
from crossdock.canonical.money import money
from crossdock.canonical.receipts import ReceiptRef
from crossdock.canonical.stock import FloorMovement
from crossdock.canonical.stock_facts import NOT_BOOKED
from crossdock.connector_kit.record import LOCATION
from crossdock.estate.model import Ownership, duration
from crossdock.operations.grouping.rules import group_key, kind_of_ours, kind_of_theirs, parked_key
from crossdock.operations.model import Matter

DEFAULT_OWNER: Final = "operations"
OWNERS: Final[Mapping[str, str]] = {"currency_foreign": "finance"}
"""Whose they are where no rule of the estate matches, when not operations'."""
DEFAULT_WITHIN: Final = "4h"
FLOOR: Final = frozenset(kind.value for kind in FloorMovement)
FOLDED: Final = ("receipt_conflict",)
"""Types that a domain opens about a record which is then rejected: they say more than that it was."""


@singledispatch
def matter_of(_fact: Document) -> Matter | None:
    """The matter a fact opens; None when it needs nobody. One function per fact that needs a person follows."""
    return None


@matter_of.register
def _unreadable(fact: facts.MessageQuarantined) -> Matter:
    record = f"message/{fact.message_id}#{fact.record}"
    return Matter(
        type="message_unreadable",
        key=record,
        subject=fact.subject or record,
        path=fact.path,
        detail=f"{fact.connection} {fact.feed}: {fact.reason}",
    )


@matter_of.register
def _unmatched(fact: facts.MessageUnmatched) -> Matter:
    """One exception for all records that lack the same kind of identity, or the same location."""
    kind = kind_of_theirs(fact.lacks)
    if kind is not None:
        return _identity_missing(fact.connection, kind, fact.reason)
    code = fact.lacks.removeprefix(LOCATION)
    return Matter(
        type="store_unknown",
        key=f"store/{code}",
        subject=f"store/{code}",
        path="$.store",
        detail=f'records of store "{code}" come in and cannot be read: {fact.reason}',
    )


def _identity_missing(connection: str, kind: str, reason: str) -> Matter:
    """What it says is told anew whenever something changes: how many, and which."""
    return Matter(
        type="identity_missing",
        key=group_key(connection, kind),
        subject=f"connection/{connection}",
        path=kind,
        detail=reason,
    )


@matter_of.register
def _rejected(fact: facts.MessageRejected) -> Matter:
    record = f"message/{fact.message_id}#{fact.record}"
    return Matter(
        type="message_rejected",
        key=record,
        subject=fact.subject or record,
        path=fact.path,
        detail=f"{fact.connection} {fact.feed}: {fact.reason}",
    )


@matter_of.register
def _overdue(fact: facts.MessageOverdue) -> Matter:
    return Matter(
        type="message_overdue",
        key=f"message/{fact.message_id}#{fact.record}",
        subject=fact.waits_for,
        detail=f"{fact.connection} {fact.feed}: waits for {fact.waits_for}, which has not arrived",
    )


@matter_of.register
def _held(fact: facts.OrderHeld) -> Matter:
    return Matter(
        type=f"order_{fact.hold}",
        key=f"order/{fact.order_id}/{fact.hold}",
        subject=f"order/{fact.order_id}",
        path=fact.path,
        detail=fact.reason,
    )


@matter_of.register
def _backordered(fact: facts.OrderBackordered) -> Matter:
    units = ", ".join(f"{line.quantity.normalize():f} x {line.sku}" for line in fact.lines)
    day = "without a day" if fact.promised_by is None else f"by {fact.promised_by.isoformat(timespec='minutes')}"
    since = fact.since.isoformat(timespec="minutes")
    return Matter(
        type="order_backordered",
        key=f"backordered/{fact.order_id}",
        subject=f"order/{fact.order_id}",
        path="$.lines",
        detail=f"order {fact.number}, promised {day}: {units} without goods since {since}: {fact.reason}"[:500],
    )


@matter_of.register
def _gone(fact: facts.OrderGoodsGone) -> Matter:
    day = "without a day" if fact.promised_by is None else f"by {fact.promised_by.isoformat(timespec='minutes')}"
    units = f"{fact.quantity.normalize():f} x {fact.sku}"
    return Matter(
        type="order_goods_gone",
        key=f"gone/{fact.order_id}/{fact.sku}@{fact.location}",
        subject=f"order/{fact.order_id}",
        path="$.lines",
        detail=f"order {fact.number}, promised {day}: {units} are gone at {fact.location} ({fact.cause}), which has been "
        "told to ship them"[:500],
    )


@matter_of.register
def _refused(fact: facts.IntentRefused) -> Matter:
    return Matter(
        type="intent_refused",
        key=f"intent/{fact.intent_id}",
        subject=fact.subject,
        path=fact.path,
        detail=f"{fact.connection} refused {fact.kind} {fact.reference}: {fact.reason}",
    )


@matter_of.register
def _parked(fact: facts.IntentParked) -> Matter:
    """One exception per cause: mapping one code may release a hundred intents. Identities have one per kind."""
    kind = kind_of_ours(fact.cause)
    if kind is not None:
        return _identity_missing(fact.connection, kind, fact.reason)
    return Matter(
        type="intent_parked",
        key=parked_key(fact.connection, fact.cause),
        subject=fact.subject,
        path=fact.cause,
        detail=f"{fact.kind} through {fact.connection}: {fact.reason}",
        adds_up=True,
    )


@matter_of.register
def _short(fact: facts.StockShort) -> Matter:
    subject = f"stock/{fact.sku}@{fact.location}"
    return Matter(
        type="stock_short", key=subject, subject=subject, detail=f"{fact.short} promised but gone: {fact.cause}"
    )


@matter_of.register
def _discrepancy(fact: facts.StockDiscrepancy) -> Matter:
    subject = f"stock/{fact.sku}@{fact.location}"
    return Matter(
        type="stock_discrepancy",
        key=f"discrepancy/{fact.sku}@{fact.location}",
        subject=subject,
        path="$.on_hand",
        detail=_disagreement(fact),
    )


def _disagreement(fact: facts.StockDiscrepancy) -> str:
    """Who says what: a count that was not booked, units taken out of a bucket, or any other movement."""
    what, _, whose = fact.cause.partition(" ")
    if fact.cause.endswith(NOT_BOOKED):
        system, _, document = whose.removesuffix(NOT_BOOKED).removeprefix("api.").partition("/")
        return f"the hub's books say {fact.ours:f}, count {document} of {system} says {fact.theirs:f}: not booked"
    if what in FLOOR and whose.startswith("from "):
        bucket = whose.removeprefix("from ")
        return f"{fact.theirs:f} were taken out of {bucket} ({what}), where the hub's books had {fact.ours:f}"
    return f"the hub's books say {fact.ours:f} on hand, on the floor there are at least {fact.theirs:f}: {fact.cause}"


@matter_of.register
def _astray(fact: facts.TransferDiscrepancy) -> Matter:
    lines = ", ".join(f"{line.sku}: {line.shipped} left, {line.received} arrived" for line in fact.lines)
    return Matter(
        type="transfer_discrepancy",
        key=f"transfer/{fact.transfer_id}",
        subject=f"transfer/{fact.transfer_id}",
        path="$.lines",
        detail=f"{fact.from_location} to {fact.to_location}: {lines}"[:500],
    )


@matter_of.register
def _gap(fact: facts.ReceiptGapFound) -> Matter:
    numbers = (
        str(fact.missing_from) if fact.missing_from == fact.missing_to else f"{fact.missing_from}-{fact.missing_to}"
    )
    return Matter(
        type="receipt_gap",
        key=_gap_key(fact),
        subject=f"till/{fact.store}/{fact.till}/{fact.business_day}",
        path="$.sequence",
        detail=f"receipts {numbers} of till {fact.till} in {fact.store} are missing",
    )


@matter_of.register
def _silent_tills(fact: facts.TillsSilent) -> Matter:
    since = fact.silent_since.isoformat(timespec="minutes")
    return Matter(
        type="till_silent",
        key=f"tills/{fact.store}",
        subject=f"store/{fact.store}",
        path=", ".join(fact.tills)[:500],
        detail=f"tills of {fact.store} send nothing since {since}, when they usually do: {', '.join(fact.tills)}"[:500],
    )


@matter_of.register
def _unsound(fact: facts.ReceiptUnsound) -> Matter:
    subject = _receipt(fact.ref)
    return Matter(
        type="receipt_unsound",
        key=subject,
        subject=subject,
        path="$.total",
        detail=f"lines, total and tenders do not agree: {money(fact.difference, fact.currency)} cannot be booked",
        amount=abs(fact.difference),
        currency=fact.currency,
    )


@matter_of.register
def _foreign(fact: facts.ReceiptRecorded) -> Matter | None:
    """One per store and currency; its money is the sum of the receipts."""
    if fact.booked:
        return None
    store = fact.ref.store
    return Matter(
        type="currency_foreign",
        key=f"currency/{store}/{fact.currency}",
        subject=f"store/{store}",
        path="$.currency",
        detail=f"{store} takes {fact.currency}, which the estate does not book: the goods count, the money is left out",
        amount=fact.total,
        currency=fact.currency,
        adds_up=True,
    )


@matter_of.register
def _conflict(fact: facts.ReceiptConflict) -> Matter:
    """Keyed by what stands and by what contradicts it: a third version is a matter of its own."""
    subject = _receipt(fact.ref)
    return Matter(
        type="receipt_conflict",
        key=f"conflict/{subject}/{fact.receipt_id}/{fact.total}",
        subject=subject,
        detail=f"not booked: {fact.reason}",
        amount=abs(fact.total),
        currency=fact.currency,
    )


@matter_of.register
def _unknown_item(fact: facts.ItemUnknown) -> Matter:
    return Matter(
        type="item_unknown",
        key=f"item/{fact.sku}",
        subject=f"item/{fact.sku}",
        path="$.sku",
        detail=f"goods of an item that no catalogue knows moved at {fact.location} ({fact.subject})",
    )


@matter_of.register
def _changed(fact: facts.FileChanged) -> Matter:
    return Matter(
        type="file_changed",
        key=f"file/{fact.connection}/{fact.feed}/{fact.file}",
        subject=f"message/{fact.message_id}",
        path=fact.file,
        detail=f"{fact.connection} {fact.feed}: written to after it was taken; version {fact.version} was taken, too",
    )


@matter_of.register
def _silent(fact: facts.FeedSilent) -> Matter:
    return Matter(
        type="feed_silent",
        key=f"feed/{fact.connection}/{fact.feed}",
        subject=f"connection/{fact.connection}",
        path=fact.feed,
        detail=f"nothing since {fact.silent_since.isoformat(timespec='minutes')}",
    )


@matter_of.register
def _broken(fact: facts.ConnectionBroken) -> Matter:
    return Matter(
        type="connection_broken",
        key=f"connection/{fact.connection}",
        subject=f"connection/{fact.connection}",
        detail=fact.reason,
    )


def settled_by(fact: Document) -> Sequence[str]:
    """The keys of the exceptions that a fact closes by itself."""
    keys: Sequence[str] = ()
    match fact:
        case facts.OrderHoldReleased():
            keys = (f"order/{fact.order_id}/{fact.hold}",)
        case facts.IntentLanded():
            undone = (cancelled_key(fact.subject),) if fact.kind in UNDOES else ()
            keys = (f"intent/{fact.intent_id}", *undone)
        case facts.ConnectionRestored():
            keys = (f"connection/{fact.connection}",)
        case facts.MessageSettled():
            keys = (f"message/{fact.message_id}#{fact.record}",)
        case facts.FeedHeard():
            keys = (f"feed/{fact.connection}/{fact.feed}",)
        case facts.TillsHeard(still_silent=()):
            keys = (f"tills/{fact.store}",)
        case facts.ReceiptGapClosed():
            keys = (_gap_key(fact),)
        case facts.TransferSettled():
            keys = (f"transfer/{fact.transfer_id}",)
        case facts.ItemChanged():
            keys = (f"item/{fact.sku}",)
        case _:
            keys = _covered_by(fact)
    return keys


def moot_by(fact: Document) -> tuple[str, Sequence[str]] | None:
    """A subject, and the types of its exceptions that mean nothing any more after a fact."""
    match fact:
        case facts.OrderCancelled() | facts.OrderCompleted():
            return f"order/{fact.order_id}", ("order_goods_gone",)
        case _:
            return None


def cancelled_key(subject: str) -> str:
    """The matter of an order's documents elsewhere that are not wanted any more."""
    return f"cancelled/{subject}"


def _covered_by(fact: Document) -> Sequence[str]:
    """The same for goods that were missing."""
    match fact:
        case facts.OrderBackorderEnded():
            return (f"backordered/{fact.order_id}",)
        case facts.StockCovered():
            return (f"stock/{fact.sku}@{fact.location}",)
        case _:
            return ()


def _gap_key(fact: facts.ReceiptGapFound | facts.ReceiptGapClosed) -> str:
    return f"gap/{fact.store}/{fact.till}/{fact.business_day}/{fact.missing_from}"


def _receipt(ref: ReceiptRef) -> str:
    return f"receipt/{ref.store}/{ref.till}/{ref.business_day}/{ref.sequence}"


def order_of(subject: str) -> OrderId | None:
    """The order a subject names by our id; None for other objects, and for orders known by a channel's id only."""
    noun, _, name = subject.partition("/")
    try:
        return OrderId(UUID(name)) if noun == "order" else None
    except ValueError:
        return None


def owner_of(type_name: str, ownership: Sequence[Ownership], opened_at: datetime) -> tuple[str, datetime]:
    """Who works on it and until when; the last matching rule of the estate wins."""
    owner, within = OWNERS.get(type_name, DEFAULT_OWNER), DEFAULT_WITHIN
    for rule in ownership:
        if rule.type in {"*", type_name}:
            owner, within = rule.owner, rule.within
    return owner, opened_at + duration(within)
