"""Use cases of availability. Callers open the transaction."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from crossdock.availability import rules, store
from crossdock.availability.explaining.service import explain, told
from crossdock.availability.holding.service import extend, hold
from crossdock.availability.model import Availability, Changes, Confirmed, Standing, Target
from crossdock.availability.pace import service as pace
from crossdock.availability.policy.rules import Policy
from crossdock.availability.publishing import rules as publishing
from crossdock.availability.scene import service as scenes
from crossdock.availability.scene.model import Scene
from crossdock.availability.switches import service as switches
from crossdock.availability.switches.model import Stop, Switch
from crossdock.canonical.base import ChannelCode, ReservationKey, Sku
from crossdock.canonical.orders import Mode
from crossdock.catalog import service as catalog
from crossdock.estate.model import Estate, duration
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import Origin
from crossdock.foundation.apart import apart
from crossdock.foundation.db import Tx
from crossdock.inventory import service as inventory
from crossdock.inventory.model import LedgerCursor

__all__ = [
    "changed_since",
    "confirmed",
    "confirmed_all",
    "explain",
    "extend",
    "found",
    "hold",
    "mark",
    "mark_due",
    "pace",
    "pending",
    "query",
    "refresh",
    "refresh_apart",
    "resume",
    "retarget",
    "standing",
    "stop",
    "sweep",
    "sweep_apart",
    "switches",
    "targets",
    "told",
    "turning",
]

PLACES_AT_ONCE: Final = 10_000
"""Stock positions looked at in one go: a tenth of a second in which the process answers nobody."""


async def query(
    tx: Tx,
    estate: Estate,
    pairs: Sequence[tuple[Sku, ChannelCode]],
    *,
    now: datetime,
    mode: Mode = Mode.SHIP,
    without_hold: ReservationKey | None = None,
    by: datetime | None = None,
) -> Sequence[Availability]:
    """What each channel may sell of each item now, in the order of *pairs*. A caller's own hold need not count.

    *by*: of goods that are needed then, as far ahead as the channel may sell.
    """
    policy = Policy.of(estate)
    channels = _by_sku(pairs)
    answers: dict[tuple[Sku, ChannelCode], Availability] = {}
    for part in _portions(policy, channels):
        scene = await scenes.look(tx, policy, part, now=now, without_hold=without_hold)
        for sku in part:
            for channel in channels[sku]:
                answers[sku, channel] = rules.evaluate(policy, scene, sku, channel, mode=mode, by=by)
    return [answers[pair] for pair in pairs]


async def standing(
    tx: Tx, estate: Estate, pairs: Sequence[tuple[Sku, ChannelCode]], *, now: datetime, mode: Mode = Mode.SHIP
) -> Sequence[Standing]:
    """The same, for who remembers it: until when each number stands unless `changed_since` names its item."""
    policy = Policy.of(estate)
    channels = _by_sku(pairs)
    found: dict[tuple[Sku, ChannelCode], Standing] = {}
    for part in _portions(policy, channels):
        scene = await scenes.look(tx, policy, part, now=now)
        answers = [rules.evaluate(policy, scene, sku, channel, mode=mode) for sku in part for channel in channels[sku]]
        held = {sku for answer in answers for sku in rules.lapsing(answer)}
        ends = await inventory.deadlines(tx, held, now=now) if held else {}
        turn = policy.next_turn(now, (switch.until for switch in scene.switches))
        for answer in answers:
            parts = tuple(part.sku for part in rules.counted(answer))
            found[answer.sku, answer.channel] = Standing(answer, rules.stands_until(answer, ends, turn), parts)
    return [found[pair] for pair in pairs]


def _by_sku(pairs: Iterable[tuple[Sku, ChannelCode]]) -> Mapping[Sku, Sequence[ChannelCode]]:
    channels: dict[Sku, list[ChannelCode]] = {}
    for sku, channel in pairs:
        channels.setdefault(sku, []).append(channel)
    return channels


def _portions(policy: Policy, skus: Iterable[Sku]) -> Iterator[Sequence[Sku]]:
    """As many items at a time as leave the process free for others in between, however many stores there are."""
    listed = list(skus)
    places = max(1, len(policy.locations))
    size = max(1, PLACES_AT_ONCE // places)
    return (listed[at : at + size] for at in range(0, len(listed), size))


async def changed_since(tx: Tx, horizon: int | None, *, limit: int) -> Changes:
    """What may have changed since a look with that *horizon*; None: everything.

    The one place that knows everything that numbers are made of, apart from the estate and the time.
    """
    this = await eventlog.horizon(tx)  # first: whatever it calls seen, all that follows sees
    if horizon is None or await switches.any_since(tx, horizon):
        return Changes(None, this)
    moved = await inventory.changed_since(tx, horizon, limit=limit)
    waiting = await inventory.unplaced_since(tx, horizon, limit=limit)
    described = await catalog.changed_since(tx, horizon, limit=limit)
    if len(moved) + len(waiting) + len(described) >= limit:
        return Changes(None, this)
    all_three = (moved, waiting, described)
    changed = {sku: max(each.get(sku, 0) for each in all_three) for sku in {sku for each in all_three for sku in each}}
    if described:
        # A kit in a kit that is made of something else now; a component that nobody counts any more.
        last = max(described.values())
        kits = await catalog.kits_with(tx, described.keys())
        changed |= {kit: max(last, changed.get(kit, 0)) for kit in kits}
    return Changes(changed, this)


async def refresh(tx: Tx, estate: Estate, *, now: datetime, limit: int = 5000) -> int:
    """Bring targets up to the ledger, *limit* of its rows at a time; how many items were looked at, 0 when up to date.

    Many movements of an item in a batch are one new number, and a number that comes back to what it was is none. Items
    that were marked come with it: a switch, another category.
    """
    cursor = await store.lock_progress(tx)
    news = await _news(tx, cursor, limit=limit)
    if not news.happened:
        return 0
    await _retarget(tx, estate, news.skus, news.happened, now=now)
    await store.move_progress(tx, news.cursor)
    return len(news.happened)


async def refresh_apart(tx: Tx, estate: Estate, *, now: datetime, limit: int = 5000) -> Mapping[Sku, Exception]:
    """The same batch where one item breaks the others: those that broke keep their old figures, and of what they broke."""
    cursor = await store.lock_progress(tx)
    news = await _news(tx, cursor, limit=limit)
    broken = await _retarget_apart(tx, estate, news.skus, news.happened, now=now)
    await store.move_progress(tx, news.cursor)
    return broken


class _News(NamedTuple):
    """What has to be computed anew."""

    skus: Sequence[Sku]
    happened: Mapping[Sku, datetime]
    cursor: LedgerCursor


async def _news(tx: Tx, cursor: LedgerCursor, *, limit: int) -> _News:
    """What has moved, what was marked, and the kits that are made of it."""
    marked = await store.take_marked(tx, limit)
    changed = await inventory.changed_after(tx, cursor, limit=limit)
    happened = dict(marked)
    for sku, moment in changed.skus.items():
        happened[sku] = min(moment, happened.get(sku, moment))
    kits = await catalog.kits_with(tx, happened.keys()) if happened else set()
    return _News([*happened, *sorted(kits - happened.keys())], happened, changed.cursor)


async def retarget(tx: Tx, estate: Estate, sku: Sku, *, now: datetime) -> None:
    """One item's figures, whatever the ledger says."""
    await store.lock_progress(tx)
    await _retarget(tx, estate, [sku], {}, now=now)


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
    skus = await _page(tx, after, limit)
    if not skus:
        return None
    await _retarget(tx, estate, skus, {}, now=now)
    return skus[-1]


async def sweep_apart(
    tx: Tx, estate: Estate, *, now: datetime, after: Sku | None = None, limit: int = 1000
) -> tuple[Sku | None, Mapping[Sku, Exception]]:
    """The same page where one item breaks the others: where to go on, and those that broke."""
    await store.lock_progress(tx)
    skus = await _page(tx, after, limit)
    broken = await _retarget_apart(tx, estate, skus, {}, now=now)
    return (skus[-1] if skus else None), broken


async def _page(tx: Tx, after: Sku | None, limit: int) -> Sequence[Sku]:
    begin = Sku("") if after is None else after
    stocked = await inventory.skus_after(tx, begin, limit=limit)
    others = await catalog.without_stock(tx, begin, limit=limit)
    return sorted({*stocked, *others})[:limit]


async def mark(tx: Tx, skus: Iterable[Sku], *, now: datetime) -> None:
    """Something about these items has changed that is no movement: their numbers are computed anew, kits with them."""
    await store.mark(tx, list(skus), now)


async def turning(tx: Tx, estate: Estate, *, after: datetime, now: datetime) -> bool:
    """Has time itself changed some number since *after*: a rule began or ceased to hold, a switch ran out?"""
    return Policy.of(estate).turns(after, now) or bool(await switches.ran_out(tx, after=after, now=now))


async def mark_due(tx: Tx, estate: Estate, *, after: datetime, now: datetime) -> None:
    """Mark what time alone has changed since *after*: goods under way came within a channel's horizon, or are overdue."""
    spans = {timedelta(0), *(duration(channel.horizon) for channel in estate.channels if channel.horizon is not None)}
    skus: set[Sku] = set()
    for span in spans:
        skus |= await inventory.falling_due(tx, after=after + span, until=now + span)
    if skus:
        await store.mark(tx, skus, now)


async def stop(
    tx: Tx, what: Stop, *, owner: str, reason: str, until: datetime | None, origin: Origin, now: datetime
) -> Switch:
    """Stop selling something: nothing of it is granted from this commit on, and channels are told as soon as can be."""
    switch = await switches.stop(tx, what, owner=owner, reason=reason, until=until, origin=origin, now=now)
    await _mark_stopped(tx, switch, now=now)
    return switch


async def resume(tx: Tx, ended: Sequence[Switch], *, by: str, origin: Origin, now: datetime) -> Sequence[Switch]:
    """Let it be sold again; which of the switches were in force. Others that stop the same goods still do."""
    were = await switches.resume(tx, [switch.id for switch in ended], by=by, origin=origin, now=now)
    for switch in were:
        await _mark_stopped(tx, switch, now=now)
    return were


async def _mark_stopped(tx: Tx, switch: Switch, *, now: datetime) -> None:
    if switch.sku is not None:
        await store.mark(tx, [Sku(switch.sku)], now)
    elif switch.category is not None:
        await store.mark(tx, await catalog.in_category(tx, switch.category), now)
    else:
        await store.mark_all(tx, None if switch.channel is None else ChannelCode(switch.channel), now)


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
    tx: Tx, estate: Estate, skus: Sequence[Sku], happened: Mapping[Sku, datetime], *, now: datetime
) -> Mapping[Sku, Exception]:
    async def some(part: Sequence[Sku]) -> None:
        await _retarget(tx, estate, part, happened, now=now)

    return await apart(tx, sorted(skus), some)


async def _retarget(
    tx: Tx, estate: Estate, skus: Sequence[Sku], happened: Mapping[Sku, datetime], *, now: datetime
) -> None:
    policy = Policy.of(estate)
    for part in _portions(policy, skus):
        await _retarget_part(tx, estate, policy, part, happened, now=now)


async def _retarget_part(
    tx: Tx, estate: Estate, policy: Policy, skus: Sequence[Sku], happened: Mapping[Sku, datetime], *, now: datetime
) -> None:
    scene = await scenes.look(tx, policy, skus, now=now)
    current = await store.current(tx, skus)
    seen = {key.sku for key in scene.positions}
    told = {sku for _, sku in current}
    skus = [sku for sku in skus if sku in told or _begun(scene, sku, seen)]
    since = {sku: happened.get(sku) or _first(scene.traits_of(sku).parts or {}, happened, now) for sku in skus}
    fresh = (
        rules.evaluate(policy, scene, sku, ChannelCode(channel.code), mode=Mode.SHIP)
        for sku in skus
        for channel in estate.channels
    )
    changes = list(publishing.changes(current, fresh))
    if changes:
        await store.set_targets(tx, changes, since, now)


def _begun(scene: Scene, sku: Sku, seen: set[Sku]) -> bool:
    """Is there anything to tell of an item that no channel was told of yet? Not before its goods were seen somewhere:
    while the first stock is still being loaded, zeros would empty the shops.
    """
    traits = scene.traits_of(sku)
    if traits.parts is not None:
        return not seen.isdisjoint(traits.parts)
    return sku in seen or not traits.tracked


def _first(parts: Iterable[Sku], happened: Mapping[Sku, datetime], now: datetime) -> datetime:
    """A kit's number has changed since the first of its components did."""
    return min((happened[part] for part in parts if part in happened), default=now)
