"""Use cases of inventory. Callers open the transaction; one call serves a batch, in the order in which it is given.

Positions are locked in key order inside each call. A transaction that makes several calls on the same goods may meet
another one that makes them in another order: PostgreSQL then ends one of the two, and its caller tries again.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Final

from crossdock.canonical.base import Document, LocationCode, ReservationKey, Sku
from crossdock.canonical.facts import CountRecorded
from crossdock.canonical.intents import GoodsLine
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.apart import apart
from crossdock.foundation.db import Asked, Tx
from crossdock.inventory import rules, store
from crossdock.inventory.audit.service import audit
from crossdock.inventory.causes.store import set_by
from crossdock.inventory.claimants.service import (
    claimed_by_channel,
    claimed_by_channel_as_of,
    claimed_under_locks,
    dated,
    dated_as_of,
)
from crossdock.inventory.expected.service import (
    Arrivals,
    announce,
    close_purchase,
    expected,
    expected_as_of,
    expected_page,
    falling_due,
    purchase,
)
from crossdock.inventory.findings import raise_findings
from crossdock.inventory.history import store as history
from crossdock.inventory.leaving.store import floors_heard, left_between
from crossdock.inventory.model import (
    AlreadyRecorded,
    BeyondTolerance,
    Changed,
    Counted,
    CountOutcome,
    KeyReused,
    LedgerCursor,
    Movement,
    MovementOutcome,
    NewCount,
    NewMovement,
    Position,
    PositionKey,
    Recorded,
    StockCount,
)
from crossdock.inventory.operations import Operations
from crossdock.inventory.reservations.desk import Desk
from crossdock.inventory.reservations.reading import channels_of, claims_at, deadlines, find, owners_of
from crossdock.inventory.reservations.service import (
    commit,
    consume,
    extend,
    lapse,
    lapse_apart,
    lapse_at,
    move,
    release,
    reserve,
)
from crossdock.inventory.shortage.service import give_way
from crossdock.inventory.transfers.service import find_transfer, open_transfers, step, transfer
from crossdock.inventory.unplaced.service import ask_unplaced, place_changed, unplaced_since, wait_for_place
from crossdock.inventory.waiting.service import losing, waiting

QUIET_AFTER: Final = timedelta(minutes=1)

__all__ = [
    "announce",
    "ask_positions",
    "ask_unplaced",
    "audit",
    "changed_after",
    "changed_since",
    "channels_of",
    "claimed_by_channel",
    "claimed_by_channel_as_of",
    "claimed_under_locks",
    "claims_at",
    "close_purchase",
    "commit",
    "consume",
    "count",
    "count_stock",
    "dated",
    "dated_as_of",
    "deadlines",
    "expected",
    "expected_as_of",
    "expected_page",
    "extend",
    "falling_due",
    "find",
    "find_transfer",
    "floors_heard",
    "give_way",
    "lapse",
    "lapse_apart",
    "lapse_at",
    "ledger",
    "left_between",
    "losing",
    "move",
    "open_transfers",
    "owners_of",
    "place_changed",
    "positions",
    "positions_as_of",
    "purchase",
    "record",
    "release",
    "reserve",
    "set_by",
    "settle",
    "settle_apart",
    "settle_at",
    "skus_after",
    "step",
    "transfer",
    "unplaced_since",
    "wait_for_place",
    "waiting",
]


async def record(
    tx: Tx, movements: Sequence[NewMovement], *, origin: Origin, now: datetime
) -> Sequence[MovementOutcome]:
    """Write facts from the floor. They are never refused: what our books cannot explain is raised, not rejected."""
    if not movements:
        return ()
    meanings = [(movement.key, rules.movement_print(movement)) for movement in movements]
    operations = await Operations.begin(tx, meanings, now)
    arrivals = await Arrivals.open(tx, movements)
    places = {movement.position for movement in movements} | arrivals.positions(movements)
    desk = await Desk.open(tx, places, now=now, make=True)
    outcomes: list[MovementOutcome] = []
    lacking: list[rules.Discrepancy] = []
    for movement, (key, meaning) in zip(movements, meanings, strict=True):
        seen = operations.admit(key, meaning)
        if seen is not None:
            outcomes.append(seen)
            continue
        outcomes.append(Recorded(key))
        if movement.expects is not None:
            desk.enter(arrivals.take(movement))
            continue
        balances = desk.books[movement.position]
        found = rules.lacking(movement, balances)
        lacking.extend([] if found is None else [found])
        desk.enter(list(rules.postings_of(movement, balances)))
    await arrivals.close(tx, now)
    await desk.close(origin=origin, floor=True)
    await raise_findings(tx, desk, origin=origin, now=now, also=lacking)
    return outcomes


async def count(
    tx: Tx, counts: Sequence[NewCount], *, origin: Origin, now: datetime, correct_max: Decimal | None = None
) -> Sequence[CountOutcome]:
    """Bring on-hand to what somebody says it was at a moment; movements since then stay on top.

    Unchanged rows write nothing and lock nothing. Beyond *correct_max* a known position is not corrected but raised as
    a discrepancy.
    """
    outcomes: dict[int, CountOutcome] = {}
    for batch in rules.rounds(counts):
        judged = await _count_once(tx, [counts[n] for n in batch], origin=origin, now=now, correct_max=correct_max)
        outcomes |= zip(batch, judged, strict=True)
    return [outcomes[n] for n in range(len(counts))]


async def _count_once(
    tx: Tx, counts: Sequence[NewCount], *, origin: Origin, now: datetime, correct_max: Decimal | None
) -> Sequence[CountOutcome]:
    """The same for counts that name each position once."""
    places = {new.position for new in counts}
    outcomes = dict(await _judged(tx, counts, _by_key(await store.at(tx, places)), correct_max))
    differing = [new for new in counts if isinstance(outcomes[new.position], Counted | BeyondTolerance)]
    if differing:
        desk = await Desk.open(tx, {new.position for new in differing}, now=now, make=True)
        outcomes |= await _judged(tx, differing, desk.before, correct_max)
        operations = await Operations.begin(tx, [(new.key, rules.count_print(new)) for new in differing], now)
        for new in differing:
            outcome = outcomes[new.position]
            seen = operations.admit(new.key, rules.count_print(new))
            if seen is not None:
                outcomes[new.position] = seen
            elif isinstance(outcome, Counted):
                desk.enter([rules.posting_of_count(new, outcome.difference)])
        await desk.close(origin=origin, floor=True)
        beyond = list(rules.beyond_tolerance(differing, outcomes))
        await raise_findings(tx, desk, origin=origin, now=now, also=beyond)
    return [outcomes[new.position] for new in counts]


async def count_stock(
    tx: Tx, counted: StockCount, *, origin: Origin, now: datetime
) -> Sequence[CountOutcome] | AlreadyRecorded | KeyReused:
    """People counted a location: on-hand becomes what they say, and the count is told to others as a fact."""
    operations = await Operations.begin(tx, [(counted.key, rules.stock_count_print(counted))], now)
    seen = operations.admit(counted.key, rules.stock_count_print(counted))
    if seen is not None:
        return seen
    outcomes = await count(tx, list(rules.counts_of(counted)), origin=origin, now=now)
    fact = CountRecorded(
        count_id=counted.key,
        location=counted.location,
        counted_on=counted.counted_on,
        lines=tuple(GoodsLine(sku=sku, quantity=on_hand) for sku, on_hand in counted.on_hand.items()),
    )
    await _tell(tx, f"count/{counted.key}", fact, counted.as_of, origin)
    return outcomes


async def settle(tx: Tx, *, now: datetime, limit: int = 1000, leave: Collection[PositionKey] = ()) -> int:
    """Bring the rows of positions that are no longer busy up to date; how many there were.

    Nobody needs it to read or decide: it keeps what every reader looks through short.
    """
    resting = await _resting(tx, now, limit, leave)
    await settle_at(tx, resting)
    return len(resting)


async def settle_apart(
    tx: Tx, *, now: datetime, limit: int = 1000, leave: Collection[PositionKey] = ()
) -> Mapping[PositionKey, Exception]:
    """The same where one position breaks the others; those that broke, and of what."""
    return await apart(tx, await _resting(tx, now, limit, leave), partial(settle_at, tx))


async def settle_at(tx: Tx, positions: Collection[PositionKey]) -> None:
    """The same for given positions."""
    if positions:
        await store.settle(tx, set(positions))


async def _resting(tx: Tx, now: datetime, limit: int, leave: Collection[PositionKey]) -> Sequence[PositionKey]:
    return sorted(await store.resting(tx, before=now - QUIET_AFTER, limit=limit) - set(leave))


async def positions(
    tx: Tx,
    skus: Iterable[Sku],
    *,
    now: datetime,
    locations: Iterable[LocationCode] | None = None,
    without_hold: ReservationKey | None = None,
) -> Sequence[Position]:
    """Positions as they are at *now*: lapsed holds do not count, nor does *without_hold*. A read, it locks nothing."""
    wanted = None if locations is None else list(locations)
    return await (await history.positions(tx, list(skus), wanted, now=now, without=without_hold)).rows()


async def ask_positions(
    tx: Tx, skus: Iterable[Sku], *, now: datetime, without_hold: ReservationKey | None = None
) -> Asked[Position]:
    """The same everywhere, answered later."""
    return await history.positions(tx, list(skus), None, now=now, without=without_hold)


async def positions_as_of(tx: Tx, skus: Iterable[Sku], as_of: datetime) -> Sequence[Position]:
    """Positions as they were known at a past moment, from the ledger alone."""
    return await history.positions_as_of(tx, list(skus), as_of)


async def ledger(
    tx: Tx,
    sku: Sku,
    location: LocationCode | None = None,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 100,
) -> Sequence[Movement]:
    """What moved an item, newest first."""
    return await history.history(tx, sku, location, since=since, until=until, limit=limit)


async def changed_after(tx: Tx, cursor: LedgerCursor, *, limit: int = 5000) -> Changed:
    """SKUs that moved after *cursor*, only below the horizon: nothing can appear behind the cursor given back."""
    rows = await history.changed_after(tx, cursor, limit=limit)
    earliest: dict[Sku, datetime] = {}
    for sku, happened_at, _ in rows:
        earliest[sku] = min(happened_at, earliest.get(sku, happened_at))
    return Changed(earliest, rows[-1][2] if rows else cursor)


async def changed_since(tx: Tx, horizon: int, *, limit: int) -> Mapping[Sku, int]:
    """SKUs that a look with this *horizon* may not have seen moving, at most *limit*, with the place of the last row.

    Unlike `changed_after` it is not held up by a transaction that takes long; it may name what was seen.
    """
    return await history.changed_since(tx, horizon, limit=limit)


async def skus_after(tx: Tx, sku: Sku, *, limit: int) -> Sequence[Sku]:
    """Every SKU that has positions, in order, page by page."""
    return await history.skus_after(tx, sku, limit=limit)


async def _judged(
    tx: Tx,
    counts: Sequence[NewCount],
    positions: Mapping[PositionKey, Position],
    correct_max: Decimal | None,
) -> Mapping[PositionKey, CountOutcome]:
    """Each count against our on-hand as of its moment."""
    late = [new for new in counts if new.position in positions and positions[new.position].happened_at > new.as_of]
    moved = await store.moved_since(tx, [(new.position, new.as_of) for new in late]) if late else ()
    since = {new.position: units for new, units in zip(late, moved, strict=True)}
    return {
        new.position: rules.decide_count(
            new, positions.get(new.position), since.get(new.position, Decimal(0)), correct_max
        )
        for new in counts
    }


def _by_key(positions: Iterable[Position]) -> Mapping[PositionKey, Position]:
    return {position.key: position for position in positions}


async def _tell(tx: Tx, stream: str, fact: Document, happened_at: datetime, origin: Origin) -> None:
    await eventlog.append(tx, [NewFact(stream=stream, fact=fact, happened_at=happened_at, origin=origin)])
