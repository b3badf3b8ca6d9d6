"""Record what tills tell, once, in whatever order it comes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

import msgspec

from crossdock.canonical.base import Document, Sku
from crossdock.canonical.facts import ItemUnknown, ReceiptConflict, ReceiptRecorded, ReceiptUnsound
from crossdock.canonical.receipts import ReceiptKind, SaleRecorded, content_of
from crossdock.catalog import service as catalog
from crossdock.estate.model import Estate
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.finance import rules, store
from crossdock.finance.days import service as days
from crossdock.finance.days.service import (
    check_gaps,
    close_day,
    days_to_judge,
    late_gaps,
    leaves_out,
    mark_posted,
    money,
    store_days,
)
from crossdock.finance.model import (
    Conflict,
    DayKey,
    Entry,
    OriginalMissing,
    ReceiptKey,
    ReceiptOutcome,
    Recorded,
    Repeated,
    StoredReceipt,
)
from crossdock.finance.pace.service import forget, hear, tell_silent
from crossdock.finance.pace.store import Heard
from crossdock.finance.upkeep.service import maintain
from crossdock.foundation.db import Tx
from crossdock.foundation.ids import new_id
from crossdock.inventory import service as inventory
from crossdock.inventory.model import KeyReused, MovementKey, NewMovement

__all__ = [
    "Heard",
    "Told",
    "check_gaps",
    "close_day",
    "days_to_judge",
    "find_receipt",
    "forget",
    "hear",
    "late_gaps",
    "leaves_out",
    "maintain",
    "mark_posted",
    "money",
    "record_receipts",
    "store_days",
    "tell_silent",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A receipt as a connection tells it."""

    receipt: SaleRecorded
    origin: Origin

    @property
    def key(self) -> ReceiptKey:
        """Its natural key."""
        return ReceiptKey.of(self.receipt.ref)

    @property
    def fingerprint(self) -> bytes:
        """What it says, in short."""
        return bytes.fromhex(content_of(self.receipt))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Booked:
    """A receipt that is new in the books; a void with its original."""

    told: Told
    entry: Entry
    original: SaleRecorded | None = None


async def record_receipts(tx: Tx, estate: Estate, told: Sequence[Told], *, now: datetime) -> Sequence[ReceiptOutcome]:
    """Take receipts into the books of their days and their goods out of stock; one outcome each, in order.

    Idempotent by natural key: the same number with the same content is repeated, with other content a conflict. Voids
    are booked after the sales of the same call, so that a void and its sale may come together.
    """
    closings = await days.join(tx, sorted({each.key.day for each in told}))
    outcomes: dict[int, ReceiptOutcome] = {}
    sales = {place: each for place, each in enumerate(told) if each.receipt.kind is not ReceiptKind.VOID}
    voids = {place: each for place, each in enumerate(told) if each.receipt.kind is ReceiptKind.VOID}
    booked: list[_Booked] = []
    for batch, book in ((sales, _book_sales), (voids, _book_voids)):
        if batch:
            made, decided = await book(tx, batch, closings, now)
            booked += made
            outcomes |= decided
    await _move_goods(tx, booked, now)
    await eventlog.append(
        tx, [*_notes(booked, estate, now), *_conflicts(told, outcomes, now), *await _unknown(tx, booked, now)]
    )
    await days.refill(tx, estate, sorted({(each.told.key.store, each.told.key.till) for each in booked}), now=now)
    return [outcomes[place] for place in range(len(told))]


async def find_receipt(tx: Tx, key: ReceiptKey) -> SaleRecorded | None:
    """A receipt as it stands in the books."""
    found = (await store.find(tx, [key])).get(key)
    return _document(found) if found is not None else None


_Decided: TypeAlias = tuple[Sequence[_Booked], Mapping[int, ReceiptOutcome]]


async def _book_sales(tx: Tx, told: Mapping[int, Told], closings: Mapping[DayKey, int], now: datetime) -> _Decided:
    """Everything but voids. The first of a number wins; whoever comes later is compared with it."""
    firsts: dict[ReceiptKey, int] = {}
    for place, each in told.items():
        # A sale and the basket parked under its number may come together: the sale is what counts.
        held = firsts.get(each.key)
        if held is None or (rules.posts(each.receipt) and not rules.posts(told[held].receipt)):
            firsts[each.key] = place
    entries = {place: _entry(told[place], closings) for place in firsts.values()}
    written = await store.insert(tx, list(entries.values()), now)
    parked = [entry for entry in entries.values() if entry.key not in written and rules.posts(entry.document)]
    if parked:
        written |= await store.finish(tx, parked, now)
    standing = await store.find(tx, list(firsts))
    booked: list[_Booked] = []
    outcomes: dict[int, ReceiptOutcome] = {}
    for place, each in told.items():
        if each.key in written and firsts[each.key] == place:
            entry = entries[place]
            booked.append(_Booked(told=each, entry=entry))
            outcomes[place] = Recorded(receipt_id=entry.id, late=entry.closing > 1)
        else:
            outcomes[place] = _compared(each, standing[each.key])
    return booked, outcomes


async def _book_voids(tx: Tx, told: Mapping[int, Told], closings: Mapping[DayKey, int], now: datetime) -> _Decided:
    """Voids, each with the receipt it takes back: once, and only when that one is here."""
    known = await store.find(tx, [key for each in told.values() for key in (each.key, _original(each))])
    outcomes: dict[int, ReceiptOutcome] = {}
    ready: dict[ReceiptKey, int] = {}
    for place, each in told.items():
        own, original = known.get(each.key), known.get(_original(each))
        if own is not None and own.kind in rules.POSTING:
            outcomes[place] = _compared(each, own)
        elif original is None:
            assert each.receipt.voids is not None, each.key
            outcomes[place] = OriginalMissing(original=each.receipt.voids)
        elif original.kind == ReceiptKind.VOID:
            outcomes[place] = Conflict(receipt_id=original.id, reason="a void cannot be voided")
        elif each.key not in ready:
            ready[each.key] = place
    claimed = await store.claim_voids(tx, [_original(told[place]) for place in ready.values()], list(ready))
    entries = {
        place: _entry(told[place], closings, known[_original(told[place])])
        for key, place in ready.items()
        if key in claimed
    }
    if entries:
        written = await store.insert(tx, list(entries.values()), now)
        parked = [entry for entry in entries.values() if entry.key not in written]
        if parked:
            written |= await store.finish(tx, parked, now)
        assert written == {entry.key for entry in entries.values()}, "a void is claimed but not written"
    booked: list[_Booked] = []
    for place, entry in entries.items():
        taken_back = _document(known[_original(told[place])])
        booked.append(_Booked(told=told[place], entry=entry, original=taken_back))
        outcomes[place] = Recorded(receipt_id=entry.id, late=entry.closing > 1)
    left = {place: each for place, each in told.items() if place not in outcomes}
    return booked, {**outcomes, **await _lost(tx, left)}


async def _lost(tx: Tx, told: Mapping[int, Told]) -> Mapping[int, ReceiptOutcome]:
    """Voids whose receipt was taken back before: by this very void (it comes again), or by another one."""
    if not told:
        return {}
    standing = await store.find(tx, [key for each in told.values() for key in (each.key, _original(each))])
    outcomes: dict[int, ReceiptOutcome] = {}
    for place, each in told.items():
        own = standing.get(each.key)
        if own is not None and own.kind == ReceiptKind.VOID:
            outcomes[place] = _compared(each, own)
        else:
            reason = f"receipt {_original(each)} was voided before"
            outcomes[place] = Conflict(receipt_id=standing[_original(each)].id, reason=reason)
    return outcomes


def _original(told: Told) -> ReceiptKey:
    assert told.receipt.voids is not None, told.key
    return ReceiptKey.of(told.receipt.voids)


def _compared(told: Told, standing: StoredReceipt) -> ReceiptOutcome:
    """A number that came before. What posts nothing never contradicts what does: a parked basket was finished."""
    same = standing.fingerprint == told.fingerprint
    if same or not rules.posts(told.receipt):
        return Repeated(receipt_id=standing.id)
    return Conflict(receipt_id=standing.id, reason=f"receipt {told.key} was told before with other content")


def _entry(told: Told, closings: Mapping[DayKey, int], original: StoredReceipt | None = None) -> Entry:
    receipt = told.receipt
    currency, total, tendered = receipt.currency, receipt.total, rules.tendered(receipt)
    if receipt.kind is ReceiptKind.VOID:
        assert original is not None, told.key
        currency, total, tendered = original.currency, -original.total, -original.tendered
    elif not rules.posts(receipt):
        total, tendered = rules.ZERO, rules.ZERO
    return Entry(
        key=told.key,
        id=new_id(),
        kind=receipt.kind.value,
        currency=currency,
        total=total,
        tendered=tendered,
        fingerprint=told.fingerprint,
        document=receipt,
        closing=closings[told.key.day] + 1,
        connection=told.origin.source,
        trace=told.origin.correlation_id,
        ended_at=receipt.ended_at,
    )


def _document(row: StoredReceipt) -> SaleRecorded:
    return msgspec.convert(row.document, SaleRecorded)


async def _move_goods(tx: Tx, booked: Sequence[_Booked], now: datetime) -> None:
    """Goods of all receipts in one call: inventory locks each position once."""
    moved = [
        NewMovement(
            key=MovementKey(move.key),
            kind=move.kind,
            sku=move.sku,
            location=move.location,
            quantity=move.quantity,
            happened_at=move.happened_at,
            reason=f"receipt {each.told.key}",
            correlation_id=each.told.origin.correlation_id,
        )
        for each in booked
        for move in rules.moves(each.told.receipt, each.original)
    ]
    if moved:
        outcomes = await inventory.record(tx, moved, origin=booked[0].told.origin, now=now)
        assert not any(isinstance(outcome, KeyReused) for outcome in outcomes), "a receipt's goods moved differently"


def _notes(booked: Sequence[_Booked], estate: Estate, now: datetime) -> Sequence[NewFact]:
    """What is in the books now, and what in it does not agree."""
    facts: list[NewFact] = []
    for each in booked:
        receipt, entry = each.told.receipt, each.entry
        if not rules.posts(receipt):
            continue
        recorded = ReceiptRecorded(
            receipt_id=str(entry.id),
            ref=receipt.ref,
            total=entry.total,
            currency=entry.currency,
            late=entry.closing > 1,
            booked=estate.books_in(entry.currency),
        )
        facts.append(_note(each.told, entry.id, recorded, receipt.ended_at))
        difference = rules.unsound_void(receipt, each.original) if each.original is not None else rules.unsound(receipt)
        if difference is not None:
            unsound = ReceiptUnsound(
                receipt_id=str(entry.id), ref=receipt.ref, difference=difference, currency=entry.currency
            )
            facts.append(_note(each.told, entry.id, unsound, now))
    return facts


def _conflicts(told: Sequence[Told], outcomes: Mapping[int, ReceiptOutcome], now: datetime) -> Sequence[NewFact]:
    return [
        _note(
            each,
            outcome.receipt_id,
            ReceiptConflict(
                receipt_id=str(outcome.receipt_id),
                ref=each.receipt.ref,
                reason=outcome.reason,
                total=each.receipt.total,
                currency=each.receipt.currency,
            ),
            now,
        )
        for place, each in enumerate(told)
        for outcome in [outcomes[place]]
        if isinstance(outcome, Conflict)
    ]


async def _unknown(tx: Tx, booked: Sequence[_Booked], now: datetime) -> Sequence[NewFact]:
    """Items that no catalogue knows: the receipt stands, its goods have moved, and somebody is told."""
    sold = {
        (move.sku, move.location): each
        for each in reversed(booked)
        for move in rules.moves(each.told.receipt, each.original)
    }
    known: set[Sku] = await catalog.known(tx, {sku for sku, _ in sold}) if sold else set()
    return [
        NewFact(
            stream=f"item/{sku}",
            fact=ItemUnknown(sku=sku, location=location, subject=f"receipt/{each.told.key}"),
            happened_at=now,
            origin=each.told.origin,
        )
        for (sku, location), each in sorted(sold.items())
        if sku not in known
    ]


def _note(told: Told, receipt_id: UUID, fact: Document, at: datetime) -> NewFact:
    return NewFact(stream=f"receipt/{receipt_id}", fact=fact, happened_at=at, origin=told.origin)
