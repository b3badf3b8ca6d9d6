"""Hold units for channels, and let holds live longer."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from crossdock.availability.holding import rules
from crossdock.availability.model import HoldOutcome, HoldRequest, HoldTooLong, QuantityRefused
from crossdock.availability.policy.rules import Policy
from crossdock.availability.scene import service as scenes
from crossdock.canonical.base import Sku
from crossdock.catalog import service as catalog
from crossdock.catalog.model import OrderRule, Traits
from crossdock.estate.model import Estate
from crossdock.eventlog.service import Origin
from crossdock.foundation.db import Tx
from crossdock.inventory import service as inventory
from crossdock.inventory.model import PositionKey
from crossdock.inventory.reservations.model import ExtendHold, ExtendOutcome, ReserveRequest


async def hold(
    tx: Tx, estate: Estate, requests: Sequence[HoldRequest], *, origin: Origin, now: datetime
) -> Sequence[HoldOutcome]:
    """Hold units for channels, each request up to what its channel may sell after those before it.

    Decided under the locks of all rows that the channel's pool has of the items, and placed on them at once. A kit holds
    its components. Untracked items need no units: they are always granted.
    """
    policy = Policy.of(estate)
    skus = {line.sku for request in requests for line in request.lines}
    ahead = any(policy.channels[code].horizon for code in {each.channel for each in requests} & policy.channels.keys())
    scene = await scenes.look_before_deciding(tx, policy, skus, ahead=ahead, now=now)
    cases = [rules.case_of(policy, scene, request) for request in requests]
    asked = [
        _refused(policy, request, scene.traits, now) or rules.reserve_request(case, request, now)
        for request, case in zip(requests, cases, strict=True)
    ]
    counted = [request for request in asked if isinstance(request, ReserveRequest)]
    claimed = await inventory.claimed_under_locks(tx, _rows(counted), now=now) if policy.segments and counted else ()
    counter = rules.Counter(policy, scenes.by_claim(claimed), [case for case in cases if case is not None])
    outcomes = iter(await inventory.reserve(tx, counted, origin=origin, now=now, placer=counter.place))
    return [next(outcomes) if isinstance(request, ReserveRequest) else request for request in asked]


def _refused(
    policy: Policy, request: HoldRequest, traits: Mapping[Sku, Traits], now: datetime
) -> HoldTooLong | QuantityRefused | None:
    latest = rules.latest_end(policy, request.channel, now)
    if request.expires_at is not None and request.expires_at > latest:
        return HoldTooLong(latest)
    for sku, quantity in rules.summed(request).items():
        broken = catalog.broken_rule(quantity, traits[sku])
        if broken is not None:
            return QuantityRefused(sku, quantity, broken, _limit(traits[sku], broken))
    return None


def _limit(traits: Traits, broken: OrderRule) -> Decimal:
    limits = {
        OrderRule.MINIMUM: traits.order_minimum,
        OrderRule.MAXIMUM: traits.order_maximum,
        OrderRule.MULTIPLE: traits.order_multiple,
    }
    limit = limits[broken]
    assert limit is not None
    return limit


def _rows(requests: Sequence[ReserveRequest]) -> set[PositionKey]:
    """All that the batch may touch: locked in one go, so that two batches never wait for each other crosswise."""
    return {
        PositionKey(line.sku, location, line.condition)
        for request in requests
        for line in request.lines
        for location in line.locations
    }


async def extend(
    tx: Tx, estate: Estate, extensions: Sequence[ExtendHold], *, origin: Origin, now: datetime
) -> Sequence[ExtendOutcome | HoldTooLong]:
    """Let holds live longer, as far as their channels may hold units from others."""
    policy = Policy.of(estate)
    channels = await inventory.channels_of(tx, [each.key for each in extensions])
    latest = {key: rules.latest_end(policy, channel, now) for key, channel in channels.items()}
    too_long = [each.key in latest and each.expires_at > latest[each.key] for each in extensions]
    fitting = [each for each, beyond in zip(extensions, too_long, strict=True) if not beyond]
    outcomes = iter(await inventory.extend(tx, fitting, origin=origin, now=now))
    return [
        HoldTooLong(latest[each.key]) if beyond else next(outcomes)
        for each, beyond in zip(extensions, too_long, strict=True)
    ]
