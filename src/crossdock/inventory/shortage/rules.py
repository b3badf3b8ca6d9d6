"""Whose claims give way where goods are missing, and where they go. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from crossdock.canonical.base import LocationCode, ReservationKey
from crossdock.inventory.model import ZERO, Account, PositionKey
from crossdock.inventory.reservations.model import ClaimKind, Grant
from crossdock.inventory.rules import short
from crossdock.inventory.shortage.model import GaveWay
from crossdock.inventory.waiting.model import Basis
from crossdock.inventory.waiting.ranking import Ranked
from crossdock.inventory.waiting.rules import Bench, Turn, losing, usable

GONE: Final = "gone"
"""Reason of entries that take a claim off goods that are not there."""


@dataclass(frozen=True, slots=True)
class Way:
    """One claim's way, and the entries that book it."""

    gave: GaveWay
    turns: tuple[Turn, ...]


def give_way(
    position: PositionKey,
    standing: Sequence[Ranked],
    elsewhere: Mapping[ReservationKey, Sequence[LocationCode]],
    bench: Bench,
) -> Iterator[Way]:
    """The last ranked give way, as many units as are missing: to goods at their other places, else they wait where they
    stood. Nobody is moved whose order has not said where it may go; carts wait.
    """
    for ranked, units in losing(standing, short(bench.books[position])):
        if ranked.claim.kind is ClaimKind.ALLOCATION and ranked.claim.key not in elsewhere:
            continue
        turns = list(_moved(ranked, units, elsewhere.get(ranked.claim.key, ()), bench))
        moved = tuple(Grant(turn.changed[1].position, turn.units) for turn in turns)
        waiting = units - sum((turn.units for turn in turns), ZERO)
        if waiting:
            claim = bench.claims.get((ranked.claim.key, ranked.claim.ground), ranked.claim)
            turns.append(bench.turned(claim, Basis.BACKORDER, waiting, reason=GONE))
        gave = GaveWay(key=ranked.claim.key, kind=ranked.claim.kind, position=position, moved=moved, waiting=waiting)
        yield Way(gave, tuple(turns))


def _moved(ranked: Ranked, units: Decimal, places: Sequence[LocationCode], bench: Bench) -> Iterator[Turn]:
    """One place that has them all, or as many as it takes, the best first."""
    source = ranked.claim.position
    targets = [source._replace(location=place) for place in places if place != source.location]
    there = {
        target: usable(units, bench.books[target][Account.AVAILABLE]) for target in targets if target in bench.books
    }
    alone = [target for target, found in there.items() if found == units]
    missing = units
    for target in alone[:1] or there:
        some = min(missing, there[target])
        if some > 0:
            claim = bench.claims.get((ranked.claim.key, ranked.claim.ground), ranked.claim)
            yield bench.turned(claim, Basis.GOODS, some, reason=GONE, at=target)
            missing -= some
