"""Take over the reservations that orders name, in the transaction that places them. Headers are locked by the caller."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from crossdock.canonical.base import OrderId, ReservationKey, Sku
from crossdock.catalog import service as catalog
from crossdock.eventlog.service import Origin
from crossdock.foundation.db import Tx
from crossdock.inventory import service as inventory
from crossdock.inventory.model import MovementKey
from crossdock.inventory.reservations.model import CommitHold, CommitOutcome, Grant, Release
from crossdock.orders.model import SOURCE
from crossdock.orders.standing.model import Case
from crossdock.orders.standing.rules import owner_of
from crossdock.orders.taking import rules
from crossdock.orders.taking.rules import Taken
from crossdock.sourcing.model import Request

NOT_WANTED = "the order does not want it"


async def take_over(tx: Tx, wanting: Sequence[tuple[Case, Request]], *, now: datetime) -> Mapping[OrderId, Taken]:
    """What each order gets out of the reservations it names; those that name none, or none that is new, are absent.

    A reservation serves one order: the first that takes it. One that has lapsed, or is somebody else's, is passed over, and
    its units are looked for like any others. What the order does not want of its own is free again.
    """
    named = {ReservationKey(key): case for case, _ in wanting for key in case.order.header.reservations}
    owners = await inventory.owners_of(tx, list(named)) if named else {}
    asked = [
        CommitHold(
            key=ReservationKey(key),
            owner=owner_of(case.order.header.order_id),
            correlation_id=case.origin.correlation_id,
        )
        for case, _ in wanting
        for key in case.order.header.reservations
        if owners.get(ReservationKey(key)) != owner_of(case.order.header.order_id)
    ]
    if not asked:
        return {}
    outcomes = await inventory.commit(tx, asked, origin=Origin.begin(SOURCE), now=now)
    by_owner: dict[str, list[CommitOutcome]] = {}
    for each, outcome in zip(asked, outcomes, strict=True):
        by_owner.setdefault(each.owner, []).append(outcome)
    mine = [request for _, request in wanting if owner_of(request.order_id) in by_owner]
    traits = await catalog.traits(tx, {Sku(demand.sku) for request in mine for demand in request.demands})
    found = {
        request.order_id: rules.taken(
            request,
            by_owner[owner_of(request.order_id)],
            {part for demand in request.demands for part in traits[Sku(demand.sku)].parts or ()},
        )
        for request in mine
    }
    await _give_back(tx, found, now=now)
    return found


async def _give_back(tx: Tx, found: Mapping[OrderId, Taken], *, now: datetime) -> None:
    surplus: dict[tuple[OrderId, ReservationKey], list[Grant]] = {}
    for order_id, each in found.items():
        for key, grant in each.surplus:
            surplus.setdefault((order_id, key), []).append(grant)
    releases = [
        Release(
            key=key,
            reason=NOT_WANTED,
            lines=grants,
            reference=MovementKey(f"{owner_of(order_id)}/not-wanted/{key}"),
        )
        for (order_id, key), grants in surplus.items()
    ]
    if releases:
        await inventory.release(tx, releases, origin=Origin.begin(SOURCE), now=now)
