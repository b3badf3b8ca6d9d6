"""Orders that wait take goods from wherever they may, and start work on what they stand on. Headers are locked."""

from collections.abc import Collection, Sequence
from datetime import datetime

from crossdock.canonical.base import OrderId, Sku
from crossdock.estate.model import Estate
from crossdock.eventlog.service import Origin
from crossdock.foundation.db import Tx
from crossdock.foundation.ids import new_id
from crossdock.fulfilment import service as fulfilments
from crossdock.fulfilment.model import Fulfilment
from crossdock.inventory import service as inventory
from crossdock.inventory.model import MovementKey
from crossdock.inventory.reservations.model import Move
from crossdock.orders.model import SOURCE, Line, Part, Vector
from crossdock.orders.moving.service import move_units
from crossdock.orders.placing.carrying import Carried, carry_out, planned
from crossdock.orders.placing.rules import Look
from crossdock.orders.rules import moved
from crossdock.orders.serving import rules
from crossdock.orders.standing import service as standing
from crossdock.orders.standing.model import Case
from crossdock.orders.standing.rules import take_up, unclaimed
from crossdock.orders.states import UnitFact
from crossdock.sourcing import service as sourcing
from crossdock.sourcing.model import Plan

WAITS = Look(Part.BACKORDERED)


async def serve(
    tx: Tx, estate: Estate, cases: Sequence[Case], uncounted: Collection[Sku], *, now: datetime
) -> Sequence[Carried]:
    """Bring waiting claims to goods at other locations, the first of *cases* first, then start work on what stands on goods."""
    if not cases:
        return ()
    claims = await standing.claims_of(tx, [case.order for case in cases], now=now)
    wanted = {claim.sku for found in claims.values() for claim in found if claim.remaining}
    positions = await inventory.positions(tx, wanted, now=now) if wanted else ()
    stock = {(each.sku, each.location): each.available for each in positions}
    asked: list[Move] = []
    for case in cases:
        mine = claims[case.order.header.order_id]
        request = rules.request_of(case.order, mine, estate)
        if request is None:
            continue
        for claim, place, units in rules.moves(mine, sourcing.choose(request, stock)):
            stock[claim.sku, place] -= units
            asked.append(
                Move(
                    key=claim.key,
                    reference=MovementKey(f"{claim.key}/served/{new_id()}"),
                    sku=claim.sku,
                    source=claim.location,
                    target=place,
                    quantity=units,
                    condition=claim.condition,
                    basis=claim.basis,
                    correlation_id=case.origin.correlation_id,
                )
            )
    if asked:
        await inventory.move(tx, asked, origin=Origin.begin(SOURCE), now=now)
    return await start(tx, cases, uncounted, now=now)


async def start(tx: Tx, cases: Sequence[Case], uncounted: Collection[Sku], *, now: datetime) -> Sequence[Carried]:
    """Locations may start on what the orders stand on; units that wait and claim nothing look for a place again."""
    waiting = [case for case in cases if case.order.units.backordered]
    if not waiting:
        return ()
    claims = await standing.claims_of(tx, [case.order for case in waiting], now=now)
    work: dict[OrderId, list[Fulfilment]] = {case.order.header.order_id: [] for case in waiting}
    for each in await fulfilments.of_orders(tx, work.keys()):
        work[each.order_id].append(each)
    carried: list[Carried] = []
    stray: list[tuple[Line, Vector]] = []
    for case in waiting:
        order_id, order = case.order.header.order_id, case.order
        nobodys = unclaimed(order, claims[order_id], work[order_id])
        picks = take_up(order, claims[order_id], work[order_id])
        if picks:
            carried.append(planned(case, Plan(order_id, picks, ()), WAITS, uncounted))
            order = carried[-1].order
        stray += [
            (line, moved(line.vector, UnitFact.REJECTED, units, out_of=(Part.BACKORDERED,)))
            for line in order.lines
            if line.sku not in uncounted and (units := nobodys.get(line.line_id))
        ]
    await carry_out(tx, carried, now=now)
    await move_units(tx, stray)
    return carried
