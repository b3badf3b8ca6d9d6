"""Who is who, worked out with one connection: read what the other side has, pair by rule or by hand, release what waited."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from crossdock.assembly.desks import desk
from crossdock.assembly.hub import Hub
from crossdock.catalog import service as catalog
from crossdock.connections.line import Line
from crossdock.crossref import service as crossref
from crossdock.crossref.model import Kind, Link, LinkConflict, MatchPlan, Ours, TheirObject
from crossdock.estate.model import Estate
from crossdock.foundation.db import Tx
from crossdock.operations import service as operations
from crossdock.operations.casework.service import By
from crossdock.operations.grouping import service as grouping
from crossdock.operations.grouping.service import Freed

KINDS: Final = (Kind.SKU, Kind.LOCATION)
"""Matched when nobody names a kind: both are lists of ours."""
HAND: Final = "hand"
NOTHING: Final = Freed()


class NoDirectoryError(Exception):
    """The connector cannot tell what the other side has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """How one kind stands."""

    kind: Kind
    ours: int
    theirs: int
    linked: int
    """Pairs there were before."""
    plan: MatchPlan
    vanished: Sequence[Link]
    """Pairs whose other half the other side does not have any more."""
    applied: bool = False
    conflicts: Sequence[LinkConflict] = ()
    """Proposed pairs that somebody else had linked otherwise by then."""
    freed: Freed = NOTHING
    """Parked intents and unreadable records that waited for one of the pairs, and are on their way again."""

    @property
    def complete(self) -> bool:
        """Every one of ours has its counterpart, or gets it by this plan."""
        open_still = (self.plan.ambiguous, self.plan.unmatched_ours, self.vanished, self.conflicts)
        return not any(open_still)


async def read_directory(line: Line, kind: Kind) -> Sequence[TheirObject]:
    """Everything of a kind that the other side has. Calls the other system: never inside a transaction."""
    if line.connector.directory is None:
        raise NoDirectoryError(
            f'The connector "{line.connector.name}" cannot list what is there: link by hand with --link OURS=THEIRS.'
        )
    people = kind is Kind.CUSTOMER  # whose names are not kept
    return [
        TheirObject(id=each.id, code=each.code, name="" if people else each.name, barcodes=each.barcodes)
        async for each in line.connector.directory(line.session, kind.value)
    ]


async def our_things(tx: Tx, estate: Estate, connection: str, kind: Kind) -> Sequence[Ours]:
    """What of ours wants a counterpart there: active items; the locations that the connection has to do with."""
    match kind:
        case Kind.SKU:
            return await _items(tx)
        case Kind.LOCATION:
            return _locations(estate, connection)
        case Kind.CUSTOMER:
            return ()  # people are not listed: they are linked when their first document lands, or by hand


async def _items(tx: Tx) -> Sequence[Ours]:
    found: list[Ours] = []
    after = ""
    while page := await catalog.page(tx, after):
        found += [Ours(code=item.sku, name=item.name, barcodes=tuple(item.barcodes)) for item in page if item.active]
        after = page[-1].sku
    return found


def _locations(estate: Estate, connection: str) -> Sequence[Ours]:
    """A shop knows the locations that serve its channels; any other system all of them."""
    pools = [estate.pool_of(channel).locations for channel in estate.channels if channel.connection == connection]
    served = {code for pool in pools for code in pool}
    return [
        Ours(code=location.code, name=location.name)
        for location in estate.locations
        if location.active and (not pools or location.code in served)
    ]


async def match(
    hub: Hub, estate: Estate, connection: str, kind: Kind, theirs: Sequence[TheirObject], *, rules: Sequence[str] = ()
) -> Matched:
    """Keep what the other side has and propose pairs; nothing is linked yet."""
    async with hub.database.transaction() as tx:
        seen = await crossref.see_all(tx, connection, kind, theirs)
        ours = await our_things(tx, estate, connection, kind)
        linked = await crossref.links(tx, connection, kind)
        plan = await crossref.plan(tx, connection, kind, ours, rules)
    there = {their.id for their in theirs}
    vanished = [Link(ours=ours, theirs=their, how="") for ours, their in linked.items() if their not in there]
    return Matched(kind=kind, ours=len(ours), theirs=seen, linked=len(linked), plan=plan, vanished=vanished)


async def apply(tx: Tx, hub: Hub, connection: str, proposed: Matched, by: By) -> Matched:
    """Link what was proposed; send on and read again what waited for it."""
    conflicts, freed = await link(tx, hub, connection, proposed.kind, pairs=proposed.plan.links, by=by)
    return Matched(
        kind=proposed.kind,
        ours=proposed.ours,
        theirs=proposed.theirs,
        linked=proposed.linked,
        plan=proposed.plan,
        vanished=proposed.vanished,
        applied=True,
        conflicts=conflicts,
        freed=freed,
    )


async def link(
    tx: Tx, hub: Hub, connection: str, kind: Kind, *, pairs: Sequence[Link], by: By
) -> tuple[Sequence[LinkConflict], Freed]:
    """Store pairs; those that could not be, and what is on its way again."""
    outcomes = await crossref.link(tx, connection, kind, pairs) if pairs else ()
    conflicts = [outcome for outcome in outcomes if isinstance(outcome, LinkConflict)]
    return conflicts, await _release(tx, hub, connection, kind, by)


async def _release(tx: Tx, hub: Hub, connection: str, kind: Kind, by: By) -> Freed:
    """What these waited for is there: they need not wait for a person to say so."""
    estate = await hub.estate.get(tx)
    freed = await grouping.release_matched(
        tx, desk(hub, estate), connection=connection, kind=kind, who=by.who, now=by.now
    )
    await operations.refresh(tx, estate, now=by.now)
    return freed
