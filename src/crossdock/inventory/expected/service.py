"""Announce, change and close expected receipts; take their goods in. Callers open the transaction."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from crossdock.canonical.base import LocationCode, Sku
from crossdock.canonical.stock import MovementKind
from crossdock.eventlog.service import Origin
from crossdock.foundation.db import Tx
from crossdock.inventory.expected import rules, store
from crossdock.inventory.expected.model import (
    Announced,
    AnnounceOutcome,
    Closed,
    CloseOutcome,
    Expected,
    ExpectedKind,
    ExpectedRef,
    NothingNew,
    Outdated,
    Purchase,
    PurchaseView,
    UnknownPurchase,
)
from crossdock.inventory.findings import raise_findings
from crossdock.inventory.model import ZERO, NewMovement, PositionKey, Posting
from crossdock.inventory.reservations.desk import Desk

FIRST: Final = ("", "", "")
"""Before every name of a line."""


async def announce(
    tx: Tx, purchases: Sequence[Purchase], *, origin: Origin, now: datetime
) -> Sequence[AnnounceOutcome]:
    """Bring our expectations to what suppliers' documents say. The newest statement about a document holds.

    Announcing, changing and cancelling are the same: a document that names nothing expects nothing.
    """
    if not purchases:
        return ()
    references = {purchase.reference for purchase in purchases}
    revised = dict(await store.lock_purchases(tx, references))
    standing: dict[str, dict[str, Expected]] = {reference: {} for reference in references}
    for line in await store.lines(tx, ExpectedKind.PURCHASE, references):
        standing[line.reference][line.line] = line
    outcomes: list[AnnounceOutcome] = []
    written: dict[ExpectedRef, Expected] = {}
    postings: list[Posting] = []
    reviewed: set[PositionKey] = set()
    for purchase in purchases:
        before, known_at = standing[purchase.reference], revised[purchase.reference]
        if known_at is not None and purchase.revised_at < known_at:
            outcomes.append(Outdated(purchase.reference, known_at))
            continue
        after = rules.announced(purchase, before.values())
        changes = rules.changed(before, after)
        postings += (each for line in changes for each in _stated(before, line, purchase))
        written |= {line.ref: line for line in changes}
        reviewed |= {line.position for line in changes}
        standing[purchase.reference] = {line.line: line for line in after}
        revised[purchase.reference] = purchase.revised_at
        if changes or known_at != purchase.revised_at:
            await store.revise(tx, purchase.reference, purchase.supplier, purchase.revised_at)
        still_open = sum((line.open for line in after), ZERO)
        outcomes.append(Announced(purchase.reference, still_open) if changes else NothingNew(purchase.reference))
    await store.write(tx, list(written.values()), now)
    await _book(tx, postings, reviewed, origin=origin, now=now)
    return outcomes


def _stated(before: Mapping[str, Expected], line: Expected, purchase: Purchase) -> Iterable[Posting]:
    return rules.postings(before.get(line.line), line, purchase.revised_at, line.close_reason)


async def close_purchase(
    tx: Tx, reference: str, *, reason: str, at: datetime, origin: Origin, now: datetime
) -> CloseOutcome:
    """Expect nothing more of a supplier's document: closed short when part has come, cancelled when nothing has."""
    if reference not in await store.purchases(tx, [reference]):
        return UnknownPurchase(reference)
    known_at = (await store.lock_purchases(tx, [reference]))[reference]
    before = await store.lines(tx, ExpectedKind.PURCHASE, [reference])
    after = [rules.closed(line, at, reason) for line in before]
    ended = [(was, line) for was, line in zip(before, after, strict=True) if was != line]
    await store.write(tx, [line for _, line in ended], now)
    if ended:
        supplier, _ = (await store.purchases(tx, [reference]))[reference]
        await store.revise(tx, reference, supplier, at if known_at is None else max(at, known_at))
    postings = [posting for was, line in ended for posting in rules.postings(was, line, at, reason)]
    await _book(tx, postings, set(), origin=origin, now=now)
    return Closed(reference, sum((was.open for was, _ in ended), ZERO))


async def _book(
    tx: Tx, postings: Sequence[Posting], reviewed: set[PositionKey], *, origin: Origin, now: datetime
) -> None:
    """*reviewed*: where days may have changed, and with them what was promised, although no quantity has."""
    positions = reviewed | {posting.position for posting in postings}
    if not positions:
        return
    desk = await Desk.open(tx, positions, now=now, make=True)
    desk.enter(postings)
    desk.review(reviewed)
    await desk.close(origin=origin, floor=True)
    await raise_findings(tx, desk, origin=origin, now=now)


class Arrivals:
    """The expected lines that a batch of movements names, moved on by each of them."""

    def __init__(self, lines: dict[ExpectedRef, Expected]) -> None:
        self._lines = lines
        self._changed: dict[ExpectedRef, Expected] = {}

    @classmethod
    async def open(cls, tx: Tx, movements: Iterable[NewMovement]) -> "Arrivals":
        """Lock the documents that *movements* name and read their lines; nothing is asked when none is named."""
        references = {movement.expects.reference for movement in movements if movement.expects is not None}
        if not references:
            return cls({})
        await store.lock_purchases(tx, references)
        found = await store.lines(tx, ExpectedKind.PURCHASE, references)
        return cls({line.ref: line for line in found})

    def positions(self, movements: Iterable[NewMovement]) -> set[PositionKey]:
        """Where the named lines were to arrive: goods may arrive elsewhere."""
        refs = {_ref(movement) for movement in movements if movement.expects is not None}
        return {self._lines[ref].position for ref in refs if ref in self._lines}

    def take(self, movement: NewMovement) -> Sequence[Posting]:
        """The entries of a receipt that names its line. One that came before its announcement is kept for it."""
        ref = _ref(movement)
        line = self._lines.get(ref) or rules.surprise(movement, *ref)
        postings, after = rules.received(movement, line, MovementKind.RECEIVE)
        self._lines[ref] = self._changed[ref] = after
        return postings

    async def close(self, tx: Tx, now: datetime) -> None:
        """Write what has arrived."""
        await store.write(tx, list(self._changed.values()), now)


def _ref(movement: NewMovement) -> ExpectedRef:
    assert movement.expects is not None, movement
    return ExpectedRef(ExpectedKind.PURCHASE, movement.expects.reference, movement.expects.line or movement.sku)


async def expected(tx: Tx, skus: Iterable[Sku]) -> Sequence[Expected]:
    """Open lines of some items, purchases and transfers: the earliest due first, those without a day last."""
    return await store.open_of(tx, skus)


async def expected_as_of(tx: Tx, skus: Iterable[Sku], as_of: datetime) -> Sequence[Expected]:
    """The same as it was known at a past moment; `quantity` is what was still to come then."""
    return await store.open_as_of(tx, skus, as_of)


async def falling_due(tx: Tx, *, after: datetime, until: datetime) -> set[Sku]:
    """Items of which something under way is due between two moments, both included."""
    return await store.falling_due(tx, after, until)


async def expected_page(
    tx: Tx,
    *,
    sku: Sku | None = None,
    location: LocationCode | None = None,
    after: tuple[str, str, str] = FIRST,
    limit: int = 100,
) -> Sequence[Expected]:
    """Open lines by kind, document and line, page by page."""
    return await store.open_page(tx, sku=sku, location=location, after=after, limit=limit)


async def purchase(tx: Tx, reference: str) -> PurchaseView | None:
    """A supplier's document as it stands, ended lines too."""
    found = (await store.purchases(tx, [reference])).get(reference)
    if found is None:
        return None
    supplier, revised_at = found
    lines = await store.lines(tx, ExpectedKind.PURCHASE, [reference])
    return PurchaseView(reference=reference, supplier=supplier, revised_at=revised_at, lines=tuple(lines))
