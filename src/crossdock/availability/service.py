"""Use cases of availability. Callers open the transaction."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from crossdock.availability import rules, store
from crossdock.availability.model import (
    Availability,
    Changes,
    Confirmed,
    Explanation,
    HoldRequest,
    HoldTooLong,
    Standing,
    Target,
    Told,
)
from crossdock.canonical.base import ChannelCode, ReservationKey, Sku
from crossdock.canonical.orders import Mode
from crossdock.catalog import service as catalog
from crossdock.estate.model import Estate
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import Origin
from crossdock.foundation.apart import apart
from crossdock.foundation.db import Tx
from crossdock.inventory import service as inventory
from crossdock.inventory.model import Position
from crossdock.inventory.reservations.model import ExtendHold, ExtendOutcome, ReserveOutcome, ReserveRequest


async def query(
    tx: Tx,
    estate: Estate,
    pairs: Sequence[tuple[Sku, ChannelCode]],
    *,
    now: datetime,
    mode: Mode = Mode.SHIP,
    without_hold: ReservationKey | None = None,
) -> Sequence[Availability]:
    """What each channel may sell of each item now, in the order of *pairs*. A caller's own hold need not count."""
    skus = {sku for sku, _ in pairs}
    positions = await inventory.positions(tx, skus, now=now, without_hold=without_hold)
    untracked = await catalog.untracked(tx, skus)
    return list(_evaluated(estate, pairs, positions, mode=mode, as_of=now, untracked=untracked))


async def standing(
    tx: Tx, estate: Estate, pairs: Sequence[tuple[Sku, ChannelCode]], *, now: datetime, mode: Mode = Mode.SHIP
) -> Sequence[Standing]:
    """The same, for who remembers it: until when each number stands unless `changed_since` names its item."""
    answers = await query(tx, estate, pairs, now=now, mode=mode)
    held = {answer.sku for answer in answers if any(term.held for term in answer.locations)}
    ends = await inventory.deadlines(tx, held, now=now) if held else {}
    return [Standing(answer, ends.get(answer.sku)) for answer in answers]


async def changed_since(tx: Tx, horizon: int | None, *, limit: int) -> Changes:
    """What may have changed since a look with that *horizon*; None: everything.

    The one place that knows everything that numbers are made of, apart from the estate and the time.
    """
    this = await eventlog.horizon(tx)  # first: whatever it calls seen, all that follows sees
    if horizon is None:
        return Changes(None, this)
    moved = await inventory.changed_since(tx, horizon, limit=limit)
    described = await catalog.changed_since(tx, horizon, limit=limit)
    if len(moved) + len(described) >= limit:
        return Changes(None, this)
    both = moved.keys() | described.keys()
    return Changes({sku: max(moved.get(sku, 0), described.get(sku, 0)) for sku in both}, this)


async def explain(
    tx: Tx,
    estate: Estate,
    sku: Sku,
    channel: ChannelCode,
    *,
    now: datetime,
    as_of: datetime | None = None,
    mode: Mode = Mode.SHIP,
) -> Explanation:
    """Every term of one number, now or as it was known at a past moment, and what the channel had been told by then.

    Stock of the past is rebuilt from the ledger; rules are those of the *estate* given.
    """
    moment = now if as_of is None else as_of
    if as_of is None:
        positions = await inventory.positions(tx, [sku], now=now)
    else:
        positions = await inventory.positions_as_of(tx, [sku], as_of)
    untracked = await catalog.untracked(tx, [sku])
    (answer,) = _evaluated(estate, [(sku, channel)], positions, mode=mode, as_of=moment, untracked=untracked)
    return Explanation(answer, await told(tx, channel, sku, moment))


async def told(tx: Tx, channel: ChannelCode, sku: Sku, at: datetime) -> Told:
    """What the channel should have shown at a moment, and what it had last confirmed."""
    return Told(await store.announced(tx, channel, sku, at), await store.last_confirmed(tx, channel, sku, at))


async def hold(
    tx: Tx, estate: Estate, requests: Sequence[HoldRequest], *, origin: Origin, now: datetime
) -> Sequence[ReserveOutcome | HoldTooLong]:
    """Hold units for channels, each request up to what its channel may sell after those before it.

    Decided under the locks of all rows that the channel's pool has of the items, and placed on them at once. Untracked
    items need no units: they are always granted.
    """
    policy = rules.Policy.of(estate)
    untracked = await catalog.untracked(tx, {line.sku for request in requests for line in request.lines})
    asked = [rules.reserve_request(policy, request, untracked, now) for request in requests]
    placer = rules.placer_for(policy, requests)
    counted = [request for request in asked if isinstance(request, ReserveRequest)]
    outcomes = iter(await inventory.reserve(tx, counted, origin=origin, now=now, placer=placer))
    return [next(outcomes) if isinstance(request, ReserveRequest) else request for request in asked]


async def extend(
    tx: Tx, estate: Estate, extensions: Sequence[ExtendHold], *, origin: Origin, now: datetime
) -> Sequence[ExtendOutcome | HoldTooLong]:
    """Let holds live longer, as far as their channels may hold units from others."""
    policy = rules.Policy.of(estate)
    channels = await inventory.channels_of(tx, [each.key for each in extensions])
    latest = {key: rules.latest_end(policy, channel, now) for key, channel in channels.items()}
    too_long = [each.key in latest and each.expires_at > latest[each.key] for each in extensions]
    fitting = [each for each, beyond in zip(extensions, too_long, strict=True) if not beyond]
    outcomes = iter(await inventory.extend(tx, fitting, origin=origin, now=now))
    return [
        HoldTooLong(latest[each.key]) if beyond else next(outcomes)
        for each, beyond in zip(extensions, too_long, strict=True)
    ]


async def refresh(tx: Tx, estate: Estate, *, now: datetime, limit: int = 5000) -> int:
    """Bring targets up to the ledger, *limit* of its rows at a time; how many items were looked at, 0 when up to date.

    Many movements of an item in a batch are one new number, and a number that comes back to what it was is none.
    """
    cursor = await store.lock_progress(tx)
    changed = await inventory.changed_after(tx, cursor, limit=limit)
    if not changed.skus:
        return 0
    await _retarget(tx, estate, changed.skus, now=now)
    await store.move_progress(tx, changed.cursor)
    return len(changed.skus)


async def refresh_apart(tx: Tx, estate: Estate, *, now: datetime, limit: int = 5000) -> Mapping[Sku, Exception]:
    """The same batch where one item breaks the others: those that broke keep their old figures, and of what they broke."""
    cursor = await store.lock_progress(tx)
    changed = await inventory.changed_after(tx, cursor, limit=limit)
    broken = await _retarget_apart(tx, estate, changed.skus, now=now)
    await store.move_progress(tx, changed.cursor)
    return broken


async def retarget(tx: Tx, estate: Estate, sku: Sku, *, now: datetime) -> None:
    """One item's figures, whatever the ledger says."""
    await store.lock_progress(tx)
    await _retarget(tx, estate, {sku: now}, now=now)


async def sweep(
    tx: Tx,
    estate: Estate,
    *,
    now: datetime,
    after: Sku | None = None,
    limit: int = 1000,
) -> Sku | None:
    """Recompute one page of all items, whatever the ledger says: for a new estate, and as a backstop.

    Gives back where to go on, None after the last page.
    """
    await store.lock_progress(tx)
    skus = await inventory.skus_after(tx, Sku("") if after is None else after, limit=limit)
    if not skus:
        return None
    await _retarget(tx, estate, dict.fromkeys(skus, now), now=now)
    return skus[-1]


async def sweep_apart(
    tx: Tx, estate: Estate, *, now: datetime, after: Sku | None = None, limit: int = 1000
) -> tuple[Sku | None, Mapping[Sku, Exception]]:
    """The same page where one item breaks the others: where to go on, and those that broke."""
    await store.lock_progress(tx)
    skus = await inventory.skus_after(tx, Sku("") if after is None else after, limit=limit)
    broken = await _retarget_apart(tx, estate, dict.fromkeys(skus, now), now=now)
    return (skus[-1] if skus else None), broken


async def pending(tx: Tx, channel: ChannelCode, *, limit: int = 250) -> Sequence[Target]:
    """Numbers that the channel has not confirmed yet, urgent ones first, then those that have waited longest."""
    return await store.pending(tx, channel, limit=limit)


async def targets(tx: Tx, channel: ChannelCode, *, after: Sku | None = None, limit: int = 1000) -> Sequence[Target]:
    """Every number that the channel shall show, by SKU, page by page."""
    return await store.targets(tx, channel, after=Sku("") if after is None else after, limit=limit)


async def confirmed(tx: Tx, channel: ChannelCode, sku: Sku, version: int, quantity: Decimal, *, now: datetime) -> None:
    """The channel shows *quantity*, which it was told as *version*. A late confirmation is kept but changes nothing."""
    await confirmed_all(tx, channel, [Confirmed(sku, version, quantity)], now=now)


async def found(tx: Tx, channel: ChannelCode, sku: Sku, quantity: Decimal, *, now: datetime) -> None:
    """The channel was seen to show *quantity*, told or not: the base of the next compare-and-set."""
    await store.lock_progress(tx)
    await store.found(tx, channel, sku, quantity, now)


async def confirmed_all(tx: Tx, channel: ChannelCode, said: Sequence[Confirmed], *, now: datetime) -> None:
    """The same for a batch."""
    if said:
        # One writer of targets at a time: a refresh takes their rows in another order than confirmations come in.
        await store.lock_progress(tx)
        await store.confirm(tx, channel, said, now)


async def _retarget_apart(
    tx: Tx, estate: Estate, happened: Mapping[Sku, datetime], *, now: datetime
) -> Mapping[Sku, Exception]:
    async def some(skus: Sequence[Sku]) -> None:
        await _retarget(tx, estate, {sku: happened[sku] for sku in skus}, now=now)

    return await apart(tx, sorted(happened), some)


async def _retarget(tx: Tx, estate: Estate, happened: Mapping[Sku, datetime], *, now: datetime) -> None:
    positions = await inventory.positions(tx, happened, now=now)
    untracked = await catalog.untracked(tx, happened.keys())
    pairs = [(sku, ChannelCode(channel.code)) for sku in happened for channel in estate.channels]
    fresh = _evaluated(estate, pairs, positions, mode=Mode.SHIP, as_of=now, untracked=untracked)
    changes = list(rules.changes(await store.current(tx, happened.keys()), fresh))
    if changes:
        await store.set_targets(tx, changes, happened, now)


def _evaluated(
    estate: Estate,
    pairs: Iterable[tuple[Sku, ChannelCode]],
    positions: Iterable[Position],
    *,
    mode: Mode,
    as_of: datetime,
    untracked: Collection[Sku],
) -> Iterator[Availability]:
    policy = rules.Policy.of(estate)
    by_key = {position.key: position for position in positions}
    for sku, channel in pairs:
        yield rules.evaluate(policy, sku, channel, by_key, mode=mode, as_of=as_of, tracked=sku not in untracked)
