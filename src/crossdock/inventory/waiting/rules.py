"""Who waits for what, and who gets it. Pure: claims, receipts and balances in, decisions out."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Final, TypeAlias

from crossdock.canonical.base import ReservationKey
from crossdock.canonical.stock import MovementKind
from crossdock.inventory.expected.model import Expected
from crossdock.inventory.model import ZERO, Account, PositionKey, Posting
from crossdock.inventory.reservations.claims import arrived, given_back, left_behind
from crossdock.inventory.reservations.model import (
    ACCOUNT_OF,
    Claim,
    ClaimKind,
    Ground,
    Placement,
    ReserveLine,
    ReserveRequest,
    Shortage,
)
from crossdock.inventory.rules import Books, post, short
from crossdock.inventory.waiting.model import WAITING_ACCOUNTS, Basis, Wait
from crossdock.inventory.waiting.ranking import Ranked

LANDED: Final = "landed"
"""Reason of entries that bring a waiting claim onto goods."""
PROMISED: Final = "due"
"""Of those that give it a day."""
LATE: Final = "late"
"""Of those that take the day away again."""

Claims: TypeAlias = "dict[tuple[ReservationKey, Ground], Claim]"


@dataclass(slots=True)
class Timetable:
    """What comes to a position and when, and who claims it by when. Receipts without a day serve no dated claim."""

    receipts: list[tuple[datetime, Decimal]] = field(default_factory=list)
    claims: list[tuple[datetime, Decimal]] = field(default_factory=list)

    def free(self, by: datetime, *, since: datetime | None = None) -> Decimal:
        """Units that a claim by that day may have: the least running balance from the day on.

        With *since*, overdue receipts do not count: nobody is promised what should be here already.
        """
        coming = [(day, units) for day, units in self.receipts if since is None or day >= since]
        days = {by, *(day for day, _ in coming if day > by), *(day for day, _ in self.claims if day > by)}
        return min(_until(coming, day) - _until(self.claims, day) for day in days)


def _until(dated: Iterable[tuple[datetime, Decimal]], day: datetime) -> Decimal:
    return sum((units for at, units in dated if at <= day), ZERO)


@dataclass(slots=True)
class Timetables:
    """The timetables of locked positions, moved on by each decision of a batch."""

    by_position: dict[PositionKey, Timetable] = field(default_factory=dict)

    @classmethod
    def of(cls, expected: Iterable[Expected], claims: Iterable[Claim]) -> "Timetables":
        """From open lines and standing claims of some positions."""
        found = cls()
        for line in expected:
            if line.due_at is not None and line.open:
                found.at(line.position).receipts.append((line.due_at, line.open))
        for claim in claims:
            if claim.due_by is not None and claim.remaining:
                found.at(claim.position).claims.append((claim.due_by, claim.remaining))
        return found

    def at(self, position: PositionKey) -> Timetable:
        """A position's own; empty where nothing comes."""
        return self.by_position.setdefault(position, Timetable())

    def take(self, wait: Wait) -> None:
        """Somebody claims receipts."""
        if wait.due_by is not None:
            self.at(wait.position).claims.append((wait.due_by, wait.quantity))


# ------------------------------------------------------------------------------------------------------- asking


@dataclass(slots=True)
class _Asking:
    """One request that goes beyond goods in hand, and what it has got so far."""

    request: ReserveRequest
    placement: Placement
    books: Books
    timetables: Timetables
    now: datetime
    waits: dict[Ground, Wait] = field(default_factory=dict)

    def beyond(self, line: ReserveLine, missing: Decimal) -> Decimal:
        """Receipts, then the queue, as far as the request reaches and its placement lets it; how many are still missing."""
        if self.placement.beyond is None:
            return self.queued(line, self.dated(line, missing), self.request.reach.backorder_max)
        dated_max, backorder_max = self.placement.beyond[line.sku]
        dated = min(missing, dated_max)
        return self.queued(line, self.dated(line, dated) + missing - dated, backorder_max)

    def dated(self, line: ReserveLine, missing: Decimal) -> Decimal:
        """Receipts that are due in time, the best location first; how many units are still missing."""
        until = self.request.reach.dated_until
        for location in line.locations if until is not None and until >= self.now else ():
            position = PositionKey(line.sku, location, line.condition)
            balances = self.books.get(position)
            if balances is None or until is None:
                continue
            mine = self.waits.get(Ground(position, Basis.DATED))
            under_way = balances[Account.ON_ORDER] + balances[Account.IN_TRANSIT] - balances[Account.DATED]
            room = min(self.timetables.at(position).free(until, since=self.now), under_way)
            units = usable(missing, room - (ZERO if mine is None else mine.quantity))
            if units > 0:
                self._add(Wait(position, Basis.DATED, units, due_by=until))
                missing -= units
        return missing

    def queued(self, line: ReserveLine, missing: Decimal, most: Decimal | None) -> Decimal:
        """A place in the queue: where units of the request were found, so that one location can complete it; else the best."""
        positions = [PositionKey(line.sku, location, line.condition) for location in line.locations]
        found = (position for position in positions if position in self.placement.takes)
        there = next(found, next(iter(positions), None))
        if there is None or not missing:
            return missing
        mine = [each for each in self.waits.values() if each.basis is Basis.BACKORDER and each.position in positions]
        queued = sum((each.quantity for each in mine), ZERO)
        room = missing
        if most is not None:
            standing = (self.books[position] for position in positions if position in self.books)
            room = most - queued - sum((each[Account.BACKORDERED] + short(each) for each in standing), ZERO)
        units = usable(missing, room)
        if units > 0:
            limit = self.books[there][Account.BACKORDERED] + queued + max(units, room)
            self._add(Wait(there, Basis.BACKORDER, units, limit=limit))
        return missing - units

    def _add(self, new: Wait) -> None:
        ground = Ground(new.position, new.basis)
        before = self.waits.get(ground)
        quantity = new.quantity + (ZERO if before is None else before.quantity)
        self.waits[ground] = new._replace(quantity=quantity)


def wait(
    request: ReserveRequest, placement: Placement, books: Books, timetables: Timetables, now: datetime
) -> tuple[Sequence[Wait], tuple[Shortage, ...]]:
    """What a request gets of the units that are not there: receipts that are due in time, then a place in the queue."""
    asking = _Asking(request, placement, books, timetables, now)
    rest: list[Shortage] = []
    for sku, condition, wanted, available in placement.shortages:
        line = next(line for line in request.lines if (line.sku, line.condition) == (sku, condition))
        missing = asking.beyond(line, wanted - available)
        if missing:
            rest.append(Shortage(sku, condition, wanted, wanted - missing))
    return list(asking.waits.values()), tuple(rest)


def usable(wanted: Decimal, room: Decimal) -> Decimal:
    """As much as there is room for. Whole units stay whole even where the books hold a fraction."""
    units = max(ZERO, min(wanted, room))
    return units.to_integral_value(ROUND_FLOOR) if wanted == wanted.to_integral_value() else units


# ------------------------------------------------------------------------------------------------- landing, dating


@dataclass(frozen=True, slots=True)
class Turn:
    """Units of a claim came onto other ground of the same position."""

    claim: Claim
    """As it was."""
    units: Decimal
    postings: tuple[Posting, ...]
    changed: tuple[Claim, Claim]
    """What it left behind, and what it came to."""


@dataclass(slots=True)
class Bench:
    """What turning claims changes: the balances, and the claims of those who are turned."""

    books: Books
    claims: Claims
    now: datetime

    def turned(
        self,
        claim: Claim,
        basis: Basis,
        units: Decimal,
        *,
        reason: str,
        due_by: datetime | None = None,
        at: PositionKey | None = None,
    ) -> Turn:
        """Units of a claim come onto other ground, at the same position unless told otherwise."""
        ground = Ground(at or claim.position, basis)
        kind = MovementKind.HOLD if claim.kind is ClaimKind.HOLD else MovementKind.ALLOCATE
        on_goods = basis is Basis.GOODS
        source = Account.AVAILABLE if on_goods else Account.OUTSIDE
        target = ACCOUNT_OF[claim.kind] if on_goods else WAITING_ACCOUNTS[basis]
        entry = Posting(ground.position, kind, source, target, units, claim.key, self.now, reason)
        postings = (post(self.books, given_back(claim, units, self.now, reason, None)), post(self.books, entry))
        left = left_behind(claim, units)
        there = arrived(claim, ground, self.claims.get((claim.key, ground)), units, due_by=due_by)
        self.claims[claim.key, claim.ground] = left
        self.claims[claim.key, ground] = there
        return Turn(claim, units, postings, (left, there))


def land(waiting: Iterable[Ranked], bench: Bench) -> Iterator[Turn]:
    """Goods go to those who wait for them at that position, by rank. Carts go on waiting until they are paid."""
    for ranked in sorted(waiting, key=lambda each: each.rank):
        claim = ranked.claim
        units = usable(claim.remaining, bench.books[claim.position][Account.AVAILABLE])
        if claim.kind is ClaimKind.ALLOCATION and units > 0:
            yield bench.turned(claim, Basis.GOODS, units, reason=LANDED)


def postpone(dated: Iterable[Ranked], timetable: Timetable, bench: Bench) -> Iterator[Turn]:
    """Dated claims that nothing will bring in time lose their day, the last ranked first, and wait without one.

    *timetable* holds all receipts that are still expected, also those overdue, and no claims: it gets those that stay.
    """
    for ranked in sorted(dated, key=lambda each: each.rank):
        claim = ranked.claim
        assert claim.due_by is not None, claim
        kept = usable(claim.remaining, timetable.free(claim.due_by))
        timetable.claims.append((claim.due_by, kept))
        if kept < claim.remaining:
            yield bench.turned(claim, Basis.BACKORDER, claim.remaining - kept, reason=LATE)


def date(queued: Iterable[Ranked], timetable: Timetable, bench: Bench) -> Iterator[Turn]:
    """Receipts that nobody claims give those who wait a day, by rank: the earliest that serves a claim best."""
    days = sorted({day for day, _ in timetable.receipts if day >= bench.now})
    for ranked in sorted(queued, key=lambda each: each.rank) if days else ():
        claim = ranked.claim
        if claim.kind is not ClaimKind.ALLOCATION:
            continue
        offers = [usable(claim.remaining, timetable.free(day, since=bench.now)) for day in days]
        units = max(offers)
        if units > 0:
            day = days[offers.index(units)]
            timetable.claims.append((day, units))
            yield bench.turned(claim, Basis.DATED, units, reason=PROMISED, due_by=day)


# ------------------------------------------------------------------------------------------------------ shortage


def losing(standing: Sequence[Ranked], lacking: Decimal) -> Sequence[tuple[Ranked, Decimal]]:
    """Whose units are not there: the last ranked lose first, the least of them at the margin."""
    lost: list[tuple[Ranked, Decimal]] = []
    for ranked in sorted(standing, key=lambda each: each.rank, reverse=True):
        if lacking <= 0:
            break
        units = min(ranked.claim.remaining, lacking)
        lost.append((ranked, units))
        lacking -= units
    return lost
