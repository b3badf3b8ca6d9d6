"""Reading a scene: everything that decides what may be sold of some items, now or at a past moment."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from crossdock.availability.pace import service as pace
from crossdock.availability.policy.rules import Policy
from crossdock.availability.scene.model import ClaimedBy, Expected, Scene, Unplaced
from crossdock.availability.switches import service as switches
from crossdock.availability.switches.model import Switch
from crossdock.canonical.base import ReservationKey, Sku
from crossdock.catalog import service as catalog
from crossdock.catalog.model import Traits
from crossdock.foundation.db import Tx
from crossdock.inventory import service as inventory
from crossdock.inventory.claimants.model import ClaimedUnits, DatedUnits
from crossdock.inventory.expected.model import Expected as Line
from crossdock.inventory.model import NEW, Position
from crossdock.inventory.unplaced.model import UnplacedUnits


async def look(
    tx: Tx, policy: Policy, skus: Collection[Sku], *, now: datetime, without_hold: ReservationKey | None = None
) -> Scene:
    """As it is now. A caller's own hold need not count.

    What nearly every item needs is asked at once; the rest only of items that the first answers say need it.
    """
    wanted = set(skus)
    stops = await switches.ask_in_force(tx, at=now)
    standing = await inventory.ask_positions(tx, wanted, now=now, without_hold=without_hold)
    waiting = await inventory.ask_unplaced(tx, wanted)
    traits = await catalog.traits(tx, wanted)
    counted = set(_counted(traits))
    positions = [each for each in await standing.rows() if each.sku in counted]
    unplaced = await waiting.rows()
    if parts := counted - wanted:
        positions += await inventory.positions(tx, parts, now=now, without_hold=without_hold)
        unplaced += await (await inventory.ask_unplaced(tx, parts)).rows()
    claimed: Sequence[ClaimedUnits] = ()
    if policy.segments:
        claimed = await inventory.claimed_by_channel(tx, counted, now=now, without_hold=without_hold)
    scene = _filled(await _around(tx, policy, traits, now, await stops.rows()), positions, claimed)
    coming, promised = _coming(positions), _promised(positions)
    return replace(
        scene,
        unplaced=_unplaced(unplaced),
        receipts=_receipts(await inventory.expected(tx, coming)) if coming else {},
        dated=_dated(await inventory.dated(tx, promised, now=now, without_hold=without_hold)) if promised else {},
    )


async def look_back(tx: Tx, policy: Policy, skus: Collection[Sku], *, as_of: datetime) -> Scene:
    """As it was known at a past moment, under the estate's version of then, which the caller knows."""
    traits = await catalog.traits(tx, skus, as_of=as_of)
    counted = _counted(traits)
    positions = await inventory.positions_as_of(tx, counted, as_of)
    claimed = await inventory.claimed_by_channel_as_of(tx, counted, as_of) if policy.segments else ()
    stops = await switches.in_force(tx, at=as_of)
    scene = _filled(await _around(tx, policy, traits, as_of, stops), positions, claimed)
    coming, promised = _coming(positions), _promised(positions)
    return replace(
        scene,
        receipts=_receipts(await inventory.expected_as_of(tx, coming, as_of)) if coming else {},
        dated=_dated(await inventory.dated_as_of(tx, promised, as_of)) if promised else {},
    )


async def look_before_deciding(tx: Tx, policy: Policy, skus: Collection[Sku], *, ahead: bool, now: datetime) -> Scene:
    """Without stock and claims: those are read from the rows once they are locked. *ahead*: may anybody who asks sell
    what is still to come?
    """
    stops = await switches.ask_in_force(tx, at=now)
    traits = await catalog.traits(tx, skus)
    counted = _counted(traits)
    waiting = await inventory.ask_unplaced(tx, counted)
    dated = await inventory.dated(tx, counted, now=now)
    receipts = await inventory.expected(tx, counted) if ahead or dated else ()
    return replace(
        await _around(tx, policy, traits, now, await stops.rows()),
        unplaced=_unplaced(await waiting.rows()),
        receipts=_receipts(receipts),
        dated=_dated(dated),
    )


def by_claim(claimed: Sequence[ClaimedUnits]) -> Mapping[ClaimedBy, Decimal]:
    """Whose open claims stand where."""
    return {ClaimedBy(each.sku, each.location, each.channel): each.units for each in claimed}


def _filled(scene: Scene, positions: Sequence[Position], claimed: Sequence[ClaimedUnits]) -> Scene:
    return replace(scene, positions={each.key: each for each in positions}, claimed=by_claim(claimed))


def _coming(positions: Sequence[Position]) -> set[Sku]:
    """Most items expect nothing: the books say so without another question."""
    return {each.sku for each in positions if each.on_order + each.in_transit > 0}


def _promised(positions: Sequence[Position]) -> set[Sku]:
    return {each.sku for each in positions if each.dated > 0}


def _receipts(lines: Sequence[Line]) -> Mapping[Sku, Sequence[Expected]]:
    """Without those of which nobody knows the day: nothing can be promised from them."""
    found: dict[Sku, list[Expected]] = {}
    for line in lines:
        if line.due_at is not None and line.condition == NEW:
            found.setdefault(line.sku, []).append(Expected(line.location, line.due_at, line.open, line.reference))
    return found


def _unplaced(units: Sequence[UnplacedUnits]) -> Mapping[Sku, Sequence[Unplaced]]:
    found: dict[Sku, list[Unplaced]] = {}
    for each in units:
        found.setdefault(each.sku, []).append(Unplaced(each.channel, each.units))
    return found


def _dated(claims: Sequence[DatedUnits]) -> Mapping[Sku, Sequence[Expected]]:
    found: dict[Sku, list[Expected]] = {}
    for claim in claims:
        found.setdefault(claim.sku, []).append(Expected(claim.location, claim.due_by, claim.units))
    return found


async def _around(tx: Tx, policy: Policy, traits: Mapping[Sku, Traits], at: datetime, stops: Sequence[Switch]) -> Scene:
    """Everything but stock and claims."""
    stale = bool(policy.staleness)
    return Scene(
        as_of=at,
        traits=traits,
        sold=await pace.sold_per_hour(tx, list(traits), at=at) if stale else {},
        heard=await pace.heard(tx, policy.estate, at=at) if stale else {},
        switches=stops,
    )


def _counted(traits: Mapping[Sku, Traits]) -> Sequence[Sku]:
    """Items that have stock of their own."""
    return [sku for sku, trait in traits.items() if trait.tracked and trait.parts is None]
