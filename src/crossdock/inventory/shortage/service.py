"""Take claims off goods that are not there."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

from crossdock.canonical.base import LocationCode, ReservationKey
from crossdock.eventlog.service import Origin
from crossdock.foundation.db import Tx
from crossdock.inventory.model import Account, PositionKey
from crossdock.inventory.reservations import store as claims
from crossdock.inventory.reservations.desk import Desk
from crossdock.inventory.rules import short
from crossdock.inventory.shortage import rules
from crossdock.inventory.shortage.model import GaveWay
from crossdock.inventory.waiting import store as waiting
from crossdock.inventory.waiting.ranking import Ranked
from crossdock.inventory.waiting.rules import Bench

LOSERS_MAX: Final = 1000


async def give_way(
    tx: Tx,
    positions: Collection[PositionKey],
    elsewhere: Mapping[ReservationKey, Sequence[LocationCode]],
    *,
    origin: Origin,
    now: datetime,
) -> Sequence[GaveWay]:
    """Where promises exceed the goods, the last ranked of those who stand there go elsewhere or wait.

    *elsewhere*: for each reservation that may be touched, where else its units may come from, best first. Who stands there
    and is not named stays as he is: look again when something is still short.
    """
    places = {place for found in elsewhere.values() for place in found}
    targets = {position._replace(location=place) for position in positions for place in places}
    desk = await Desk.open(tx, set(positions) | targets, now=now)
    lacking = {position for position in positions if position in desk.books and short(desk.books[position])}
    if not lacking:
        await desk.close(origin=origin, floor=False)
        return ()
    ranked = await waiting.standing_at(tx, lacking, limit=LOSERS_MAX)
    now_standing = desk.as_changed([each.claim for each in ranked])
    standing = [
        Ranked(claim, each.promise) for each, claim in zip(ranked, now_standing, strict=True) if claim.remaining
    ]
    mine = desk.as_changed(await claims.claims_of(tx, {each.claim.key for each in standing}))
    bench = Bench(desk.books, {(claim.key, claim.ground): claim for claim in mine}, now)
    gave: list[GaveWay] = []
    for position in sorted(lacking):
        here = [each for each in standing if each.claim.position == position]
        for way in rules.give_way(position, here, elsewhere, bench):
            gave.append(way.gave)
            for turn in way.turns:
                desk.write(turn.postings, turn.changed)
        desk.let_wait(position, desk.books[position][Account.BACKORDERED])
    await desk.close(origin=origin, floor=False)
    return gave
