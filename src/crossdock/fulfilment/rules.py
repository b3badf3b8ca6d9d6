"""What a parcel does to a fulfilment. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from crossdock.canonical.base import Sku
from crossdock.canonical.intents import GoodsLine
from crossdock.canonical.orders import Mode
from crossdock.fulfilment.model import (
    ZERO,
    AlreadyShipped,
    Exceeds,
    Fulfilment,
    FulfilmentLine,
    Shipped,
    Shipping,
    State,
    Unexpected,
)
from crossdock.fulfilment.states import Happening, after

LEAVING: Final[Mapping[Mode, Happening]] = {Mode.SHIP: Happening.SHIPPED, Mode.PICKUP: Happening.COLLECTED}
"""How goods leave: with a carrier, or in the customer's own hands."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """A parcel understood: the fulfilment afterwards, and what is to be told."""

    fulfilment: Fulfilment
    shipped: Shipped
    goods: tuple[GoodsLine, ...]


def leave(fulfilment: Fulfilment, shipping: Shipping) -> Leaving | AlreadyShipped | Exceeds | Unexpected:
    """Let goods go. What had been cancelled counts last: it left although nobody wanted it to."""
    if any(parcel.reference == shipping.reference for parcel in fulfilment.parcels):
        return AlreadyShipped(fulfilment.fulfilment_id)
    state = after(fulfilment.state, LEAVING[fulfilment.mode])
    if state is None:
        return Unexpected(fulfilment.fulfilment_id, fulfilment.state)
    told = shipping.lines if shipping.units is None else dealt(fulfilment, shipping.units)
    wanted = everything(fulfilment) if told is None else along(fulfilment, told)
    if not any(wanted.values()):
        return AlreadyShipped(fulfilment.fulfilment_id)
    room = {line.line_id: line.open + line.cancelled for line in fulfilment.lines}
    beyond = tuple(line_id for line_id, units in wanted.items() if not ZERO <= units <= room.get(line_id, ZERO))
    if beyond:
        return Exceeds(fulfilment.fulfilment_id, beyond)
    return _left(fulfilment, wanted, state)


def everything(fulfilment: Fulfilment) -> Mapping[str, Decimal]:
    """What "it has shipped" means without lines: all that was to leave, or, once cancelled, all that was cancelled."""
    if fulfilment.open:
        return {line.line_id: line.open for line in fulfilment.lines}
    if fulfilment.state is State.CANCELLED:
        return {line.line_id: line.cancelled for line in fulfilment.lines}
    return {}


def dealt(fulfilment: Fulfilment, units: Mapping[Sku, Decimal]) -> Mapping[str, Decimal]:
    """Units per item as units per line: what was to leave first, then what had been cancelled. More is more than we know."""
    left = dict(units)
    told: dict[str, Decimal] = {}
    for room in (_to_leave, _called_off):
        for line in fulfilment.lines:
            taken = min(left.get(line.sku, ZERO), room(line))
            if taken:
                told[line.line_id] = told.get(line.line_id, ZERO) + taken
                left[line.sku] -= taken
    return {**told, **{f"{sku} beyond": rest for sku, rest in left.items() if rest}}


def _to_leave(line: FulfilmentLine) -> Decimal:
    return line.open


def _called_off(line: FulfilmentLine) -> Decimal:
    return line.cancelled


def along(fulfilment: Fulfilment, told: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
    """Whoever ships tells of goods: what nobody counts goes along with the last of them."""
    left = [line for line in fulfilment.lines if line.tracked and line.open > told.get(line.line_id, ZERO)]
    if left or not any(told.values()):
        return told
    return {**{line.line_id: line.open for line in fulfilment.lines if not line.tracked}, **told}


def _left(fulfilment: Fulfilment, wanted: Mapping[str, Decimal], state: State) -> Leaving:
    was_open: dict[str, Decimal] = {}
    revived: dict[str, Decimal] = {}
    lines = []
    for line in fulfilment.lines:
        units = wanted.get(line.line_id, ZERO)
        first = min(units, line.open)
        rest = units - first
        if first:
            was_open[line.line_id] = first
        if rest:
            revived[line.line_id] = rest
        lines.append(replace(line, shipped=line.shipped + units, cancelled=line.cancelled - rest))
    moved = replace(fulfilment, lines=tuple(lines))
    goods = tuple(
        GoodsLine(sku=line.sku, quantity=wanted[line.line_id], line_id=line.line_id, tracked=line.tracked)
        for line in fulfilment.lines
        if wanted.get(line.line_id)
    )
    # While units are still to leave, the work goes on in the state it is in.
    moved = moved if moved.open else replace(moved, state=state)
    return Leaving(moved, Shipped(moved.fulfilment_id, moved.order_id, moved.mode, was_open, revived), goods)


def reduced(fulfilment: Fulfilment, units: Mapping[str, Decimal]) -> Fulfilment:
    """Some open *units* need not leave any more; they must be there. With the last of them the work is over."""
    assert all(ZERO < amount <= _open(fulfilment, line_id) for line_id, amount in units.items()), (fulfilment, units)
    lines = tuple(replace(line, cancelled=line.cancelled + units.get(line.line_id, ZERO)) for line in fulfilment.lines)
    after_it = replace(fulfilment, lines=lines)
    return after_it if after_it.open else replace(after_it, state=_over(fulfilment))


def _open(fulfilment: Fulfilment, line_id: str) -> Decimal:
    return sum((line.open for line in fulfilment.lines if line.line_id == line_id), ZERO)


def stranded(fulfilment: Fulfilment) -> Mapping[str, Decimal]:
    """What nobody counts and what has no goods left here to go along with."""
    if any(line.open for line in fulfilment.lines if line.tracked):
        return {}
    return {line.line_id: line.open for line in fulfilment.lines if line.open}


def _over(fulfilment: Fulfilment) -> State:
    """Nothing more leaves: shipped when a part has left, cancelled otherwise."""
    some_left = any(line.shipped for line in fulfilment.lines)
    state = after(fulfilment.state, LEAVING[fulfilment.mode] if some_left else Happening.CANCELLED)
    assert state is not None, fulfilment.state
    return state


def cancelled(fulfilment: Fulfilment) -> Fulfilment:
    """Nothing more leaves: what was open is cancelled. A part that has left stays shipped."""
    assert fulfilment.open, fulfilment
    lines = tuple(replace(line, cancelled=line.cancelled + line.open) for line in fulfilment.lines)
    return replace(fulfilment, lines=lines, state=_over(fulfilment))
