"""The formulas of the promise, one function each. Pure counting: who matches which rule is decided elsewhere.

Answers and holds are both made of these, so that what may be sold is what is granted.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final, NamedTuple

from crossdock.availability.model import ZERO
from crossdock.availability.scene.model import Expected

HOUR_S: Final = Decimal(3600)
PERCENT: Final = Decimal(100)


def atp(available: Decimal, safety: Decimal, staleness: Decimal = ZERO) -> Decimal:
    """What an eligible location may give, clamped here: one location's lack never eats another one's stock."""
    return max(ZERO, available - safety - staleness)


def staleness_allowance(age_s: Decimal, grace_s: Decimal, sold_per_hour: Decimal, factor: Decimal) -> Decimal:
    """What may have been sold meanwhile, rounded up: half a lamp is not sold."""
    units = max(ZERO, age_s - grace_s) / HOUR_S * sold_per_hour * factor
    return units.to_integral_value(ROUND_CEILING)


def pool(atps: Iterable[Decimal], incoming: Decimal = ZERO, unplaced: Decimal = ZERO) -> Decimal:
    """What all locations of a channel may give together."""
    return max(ZERO, sum(atps, ZERO) + incoming - unplaced)


def incoming(receipts: Iterable[Expected], dated: Iterable[Expected], now: datetime, until: datetime) -> Decimal:
    """The lowest balance from *until* on of what comes and what is promised from it; below zero when more is promised.

    What is overdue does not come. What comes on a day serves what is promised for that day.
    """
    steps = [(each.due_at, 0, each.quantity) for each in receipts if each.due_at >= now]
    steps += [(each.due_at, 1, -each.quantity) for each in dated]
    balance = sum((units for due_at, _, units in steps if due_at <= until), ZERO)
    lowest = balance
    for _, _, units in sorted(step for step in steps if step[0] > until):
        balance += units
        lowest = min(lowest, balance)
    return lowest


def share_size(units: Decimal | None, percent: Decimal | None, base: Decimal) -> Decimal:
    """How much a segment is: so many units, or a share of the pool's goods, rounded down."""
    if percent is None:
        assert units is not None
        return units
    return (base * percent / PERCENT).to_integral_value(ROUND_FLOOR)


class Share(NamedTuple):
    """One segment of a pool: how much it is, how much of it is claimed, which last units of the pool it gives back."""

    size: Decimal
    used: Decimal
    give_back_at: Decimal | None


def kept(shares: Sequence[Share], pool_units: Decimal) -> list[Decimal]:
    """What each segment still keeps. Those that give back by stock keep nothing of the pool's last units.

    They share what is above those, in their order: a unit more in the pool is never more than one more kept.
    """
    keeps: list[Decimal] = []
    before = ZERO
    for share in shares:
        remaining = max(ZERO, share.size - share.used)
        if share.give_back_at is not None:
            remaining = min(remaining, max(ZERO, pool_units - share.give_back_at - before))
            before += remaining
        keeps.append(remaining)
    return keeps


def free(pool_units: Decimal, keeps: Iterable[Decimal]) -> Decimal:
    """What no segment keeps."""
    return max(ZERO, pool_units - sum(keeps, ZERO))


def physical(pool_units: Decimal, own_segment: Decimal, free_units: Decimal, buffer: Decimal) -> Decimal:
    """What the channel may sell of goods: its own segment first, then what no segment keeps."""
    return max(ZERO, min(pool_units, own_segment + free_units) - buffer)


def backorder(limit: Decimal, backordered: Decimal, short: Decimal) -> Decimal:
    """What may be sold without goods: what is owed already uses the limit up first."""
    return max(ZERO, limit - backordered - short)


def kits(units: Decimal, quantity: Decimal) -> Decimal:
    """How many whole kits so much of a component is enough for."""
    return (units / quantity).to_integral_value(ROUND_FLOOR)
