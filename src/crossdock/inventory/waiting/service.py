"""Serve those who wait at a desk's positions: goods first, then days; and say who loses what.

Called under the positions' locks, with the balances as the batch has moved them so far.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from crossdock.canonical.base import ReservationKey, Sku
from crossdock.canonical.facts import StockLanded, StockLate
from crossdock.canonical.stock_facts import ClaimUnits
from crossdock.foundation.db import Tx
from crossdock.inventory.model import ZERO, Account, PositionKey
from crossdock.inventory.reservations import store as claims
from crossdock.inventory.reservations.model import Claim
from crossdock.inventory.rules import Books
from crossdock.inventory.waiting import rules, store
from crossdock.inventory.waiting.model import Basis, Promise
from crossdock.inventory.waiting.ranking import Ranked
from crossdock.inventory.waiting.rules import Bench, Claims, Timetables, Turn

SERVED_MAX: Final = 1000
"""Claims looked at per position at a time, the first ranked."""


@dataclass(slots=True)
class Served:
    """What serving did."""

    landed: list[Turn] = field(default_factory=list)
    dated: list[Turn] = field(default_factory=list)
    late: list[Turn] = field(default_factory=list)
    goods_left: bool = False
    """More wait than were looked at, and there are goods for them."""

    @property
    def turns(self) -> Sequence[Turn]:
        """All, in the order in which they were decided."""
        return [*self.landed, *self.late, *self.dated]


@dataclass(slots=True)
class Batch:
    """What a desk has done so far: balances, claims that it has changed, and what ranks their reservations."""

    books: Books = field(default_factory=dict)
    changed: Claims = field(default_factory=dict)
    promises: dict[ReservationKey, Promise] = field(default_factory=dict)
    reviewed: set[PositionKey] = field(default_factory=set)
    """Positions where what is under way, or who counts on it, has changed."""

    def as_changed(self, claims: Iterable[Claim]) -> Sequence[Claim]:
        """Claims as this batch has changed them so far."""
        return [self.changed.get((claim.key, claim.ground), claim) for claim in claims]

    def ranked(self, found: Iterable[Ranked], positions: set[PositionKey], now: datetime) -> Sequence[Ranked]:
        """Who waits at *positions*: those *found* in the books, as changed since, and those that are not written yet."""
        standing = {(each.claim.key, each.claim.ground): each.claim for each in found}
        self.promises |= {each.claim.key: each.promise for each in found}
        for place, claim in self.changed.items():
            if place in standing or (claim.basis is not Basis.GOODS and claim.position in positions):
                standing[place] = claim
        newest = Promise(now, ZERO, ZERO)
        return [Ranked(claim, self.promises.get(claim.key, newest)) for claim in standing.values() if claim.remaining]


async def serve(tx: Tx, batch: Batch, *, now: datetime, floor: bool) -> Served:
    """Give goods that are there to those who wait for them. Where days may have changed, and where somebody with a day got
    goods, look at the days, too: what is free gives a day to those without, and a fact from the *floor* may take one away.
    """
    books = batch.books
    waiting = {at for at, units in books.items() if units[Account.BACKORDERED] > 0 or units[Account.DATED] > 0}
    landing = {at for at in waiting if books[at][Account.AVAILABLE] > 0}
    dating = waiting & batch.reviewed
    served = Served()
    if not (landing or dating):
        return served
    at = landing | dating
    looked_at = await store.waiting_at(tx, at, limit=SERVED_MAX)
    ranked = batch.ranked(looked_at, at, now)
    keys = {each.claim.key for each in ranked}
    found = {(claim.key, claim.ground): claim for claim in batch.as_changed(await claims.claims_of(tx, keys))}
    bench = Bench(books, found | batch.changed, now)
    served.landed += rules.land([each for each in ranked if each.claim.position in landing], bench)
    waiting_at = Counter(each.claim.position for each in looked_at)
    crowded = {position for position, many in waiting_at.items() if many >= SERVED_MAX}
    served.goods_left = any(
        books[position][Account.AVAILABLE] > 0 for position in {turn.claim.position for turn in served.landed} & crowded
    )
    dating |= {turn.claim.position for turn in served.landed if turn.claim.basis is Basis.DATED}
    coming = Timetables.of(await store.coming_to(tx, dating), ()) if dating else Timetables()
    unseen = await _unseen(tx, batch, dating & crowded, looked_at)
    for position in sorted(dating):
        here = _now(ranked, bench.claims, position)
        dated = [each for each in here if each.claim.basis is Basis.DATED]
        if floor:
            served.late += rules.postpone(dated, coming.at(position), bench)
        else:
            coming.at(position).claims += [(each.claim.due_by or now, each.claim.remaining) for each in dated]
        coming.at(position).claims += unseen.get(position, ())  # they rank last: nobody loses a day to them
        queued = [each for each in here if each.claim.basis is Basis.BACKORDER]
        served.dated += rules.date(queued, coming.at(position), bench)
    return served


async def _unseen(
    tx: Tx, batch: Batch, crowded: set[PositionKey], looked_at: Sequence[Ranked]
) -> Mapping[PositionKey, Sequence[tuple[datetime, Decimal]]]:
    """What those expect who were not looked at because so many wait: their days are as good as anybody's."""
    if not crowded:
        return {}
    seen = {(each.claim.key, each.claim.ground) for each in looked_at} | batch.changed.keys()
    known = [(key, at) for key, (at, basis) in seen if basis is Basis.DATED and at in crowded]
    found: dict[PositionKey, list[tuple[datetime, Decimal]]] = {}
    for position, day, units in await store.dated_at(tx, crowded, without=known):
        found.setdefault(position, []).append((day, units))
    return found


def _now(ranked: Iterable[Ranked], others: Claims, position: PositionKey) -> Sequence[Ranked]:
    """Who still waits at a position after what has been decided."""
    here = (each for each in ranked if each.claim.position == position)
    now = (Ranked(others.get((each.claim.key, each.claim.ground), each.claim), each.promise) for each in here)
    return [each for each in now if each.claim.remaining]


async def losing(
    tx: Tx, lacking: Mapping[PositionKey, Decimal]
) -> Mapping[PositionKey, Sequence[tuple[Ranked, Decimal]]]:
    """Whose units are not there, per position: the last ranked lose first."""
    standing: dict[PositionKey, list[Ranked]] = {position: [] for position in lacking}
    for each in await store.standing_at(tx, set(lacking), limit=SERVED_MAX) if lacking else ():
        standing[each.claim.position].append(each)
    return {position: rules.losing(standing[position], units) for position, units in lacking.items()}


async def waiting(tx: Tx, skus: Iterable[Sku], *, limit: int = SERVED_MAX, offset: int = 0) -> Sequence[Ranked]:
    """Placed orders that wait for some items, wherever they stand, by rank; *offset* of them left out."""
    return await store.waiting_for(tx, skus, limit=limit, offset=offset)


def landed_facts(turns: Iterable[Turn]) -> Iterator[tuple[PositionKey, StockLanded]]:
    """Who got the goods they waited for, per position."""
    for position, lines in _by_position(turns):
        yield position, StockLanded(sku=position.sku, location=position.location, served=lines)


def late_facts(turns: Iterable[Turn]) -> Iterator[tuple[PositionKey, StockLate]]:
    """Who lost the day they were promised, per position."""
    for position, lines in _by_position(turns):
        yield position, StockLate(sku=position.sku, location=position.location, losing=lines)


def _by_position(turns: Iterable[Turn]) -> Iterator[tuple[PositionKey, tuple[ClaimUnits, ...]]]:
    found: dict[PositionKey, list[ClaimUnits]] = {}
    for turn in turns:
        line = ClaimUnits(reservation=turn.claim.key, quantity=turn.units)
        found.setdefault(turn.claim.position, []).append(line)
    for position, lines in found.items():
        yield position, tuple(lines)
