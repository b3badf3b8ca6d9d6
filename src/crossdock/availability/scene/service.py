"""Reading a scene: everything that decides what may be sold of some items, now or at a past moment."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from crossdock.availability.pace import service as pace
from crossdock.availability.policy.rules import Policy
from crossdock.availability.scene.model import ClaimedBy, Scene
from crossdock.availability.switches import service as switches
from crossdock.canonical.base import ReservationKey, Sku
from crossdock.catalog import service as catalog
from crossdock.catalog.model import Traits
from crossdock.foundation.db import Tx
from crossdock.inventory import service as inventory
from crossdock.inventory.claimants.model import ClaimedUnits
from crossdock.inventory.model import Position


async def look(
    tx: Tx, policy: Policy, skus: Collection[Sku], *, now: datetime, without_hold: ReservationKey | None = None
) -> Scene:
    """As it is now. A caller's own hold need not count."""
    traits = await catalog.traits(tx, skus)
    counted = _counted(traits)
    positions = await inventory.positions(tx, counted, now=now, without_hold=without_hold)
    claimed: Sequence[ClaimedUnits] = ()
    if policy.segments:
        claimed = await inventory.claimed_by_channel(tx, counted, now=now, without_hold=without_hold)
    return _filled(await _around(tx, policy, traits, now), positions, claimed)


async def look_back(tx: Tx, policy: Policy, skus: Collection[Sku], *, as_of: datetime) -> Scene:
    """As it was known at a past moment, under the estate's version of then, which the caller knows."""
    traits = await catalog.traits(tx, skus, as_of=as_of)
    counted = _counted(traits)
    positions = await inventory.positions_as_of(tx, counted, as_of)
    claimed = await inventory.claimed_by_channel_as_of(tx, counted, as_of) if policy.segments else ()
    return _filled(await _around(tx, policy, traits, as_of), positions, claimed)


async def look_before_deciding(tx: Tx, policy: Policy, skus: Collection[Sku], *, now: datetime) -> Scene:
    """Without stock and claims: those are read from the rows once they are locked."""
    return await _around(tx, policy, await catalog.traits(tx, skus), now)


def by_claim(claimed: Sequence[ClaimedUnits]) -> Mapping[ClaimedBy, Decimal]:
    """Whose open claims stand where."""
    return {ClaimedBy(each.sku, each.location, each.channel): each.units for each in claimed}


def _filled(scene: Scene, positions: Sequence[Position], claimed: Sequence[ClaimedUnits]) -> Scene:
    return replace(scene, positions={each.key: each for each in positions}, claimed=by_claim(claimed))


async def _around(tx: Tx, policy: Policy, traits: Mapping[Sku, Traits], at: datetime) -> Scene:
    """Everything but stock and claims."""
    stale = bool(policy.staleness)
    return Scene(
        as_of=at,
        traits=traits,
        sold=await pace.sold_per_hour(tx, list(traits), at=at) if stale else {},
        heard=await pace.heard(tx, policy.estate, at=at) if stale else {},
        switches=await switches.in_force(tx, at=at),
    )


def _counted(traits: Mapping[Sku, Traits]) -> Sequence[Sku]:
    """Items that have stock of their own."""
    return [sku for sku, trait in traits.items() if trait.tracked and trait.parts is None]
