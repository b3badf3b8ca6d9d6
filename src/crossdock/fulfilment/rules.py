"""What a parcel does to a fulfilment. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from crossdock.canonical.intents import GoodsLine
from crossdock.canonical.orders import Mode
from crossdock.fulfilment.model import (
    ZERO,
    AlreadyShipped,
    Exceeds,
    Fulfilment,
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
    wanted = everything(fulfilment) if shipping.lines is None else along(fulfilment, shipping.lines)
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


def cancelled(fulfilment: Fulfilment) -> Fulfilment:
    """Nothing more leaves: what was open is cancelled. A part that has left stays shipped."""
    assert fulfilment.open, fulfilment
    lines = tuple(replace(line, cancelled=line.cancelled + line.open) for line in fulfilment.lines)
    some_left = any(line.shipped for line in lines)
    state = after(fulfilment.state, LEAVING[fulfilment.mode] if some_left else Happening.CANCELLED)
    assert state is not None, fulfilment.state
    return replace(fulfilment, lines=lines, state=state)
