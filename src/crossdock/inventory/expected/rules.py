"""What statements about expected receipts do to their lines and to the books. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from crossdock.canonical.stock import MovementKind
from crossdock.inventory.expected.model import Expected, ExpectedKind, Purchase, PurchaseLine
from crossdock.inventory.model import ZERO, Account, NewMovement, PositionKey, Posting
from crossdock.inventory.rules import route

DROPPED: Final = "no longer on the document"
PUT_OFF: Final = "due on another day"


def announced(purchase: Purchase, standing: Iterable[Expected]) -> Sequence[Expected]:
    """The document's lines after the statement: named ones as it says, unnamed ones closed. What came stays counted."""
    known = {each.line: each for each in standing}
    named = [_stated(purchase, line, known.get(line.name)) for line in purchase.lines]
    names = {each.line for each in named}
    gone = [closed(each, purchase.revised_at, DROPPED) for each in known.values() if each.line not in names]
    return [*named, *gone]


def _stated(purchase: Purchase, line: PurchaseLine, before: Expected | None) -> Expected:
    return Expected(
        kind=ExpectedKind.PURCHASE,
        reference=purchase.reference,
        line=line.name,
        sku=line.sku,
        location=purchase.location,
        due_at=line.due_at,
        quantity=line.quantity,
        received=ZERO if before is None else before.received,
    )


def closed(line: Expected, at: datetime, reason: str) -> Expected:
    """Nothing more is expected of it; a line that has ended keeps its end."""
    return line if line.closed_at is not None or not line.open else replace(line, closed_at=at, close_reason=reason)


def changed(before: Mapping[str, Expected], after: Iterable[Expected]) -> Sequence[Expected]:
    """The lines that differ."""
    return [line for line in after if before.get(line.line) != line]


def postings(before: Expected | None, after: Expected, happened_at: datetime, reason: str = "") -> Iterator[Posting]:
    """The entries that bring the books from what a line was expected to bring to what it is expected to bring now.

    Another day for the same units is booked out and in again: whoever follows the books hears of it.
    """
    if before is not None and postponed(before, after):
        yield _expecting(before, -before.open, happened_at, PUT_OFF)
        yield _expecting(after, after.open, happened_at, PUT_OFF)
        return
    expected: dict[PositionKey, Decimal] = {after.position: after.open}
    if before is not None:
        expected[before.position] = expected.get(before.position, ZERO) - before.open
    for position, units in expected.items():
        if units:
            yield _expecting(after, units, happened_at, reason, position)


def postponed(before: Expected, after: Expected) -> bool:
    """Is it the same units at the same place on another day?"""
    same = before.position == after.position and before.open == after.open > 0
    return same and before.due_at != after.due_at


def _expecting(
    line: Expected, units: Decimal, happened_at: datetime, reason: str, position: PositionKey | None = None
) -> Posting:
    source, target = (Account.OUTSIDE, line.account) if units > 0 else (line.account, Account.OUTSIDE)
    return Posting(
        position or line.position, MovementKind.EXPECT, source, target, abs(units), line.reference, happened_at, reason
    )


def surprise(movement: NewMovement, kind: ExpectedKind, reference: str, line: str) -> Expected:
    """A line of which the first news is that its goods have come."""
    return Expected(
        kind=kind,
        reference=reference,
        line=line,
        sku=movement.sku,
        location=movement.location,
        condition=movement.condition,
        quantity=ZERO,
    )


def received(movement: NewMovement, line: Expected, kind: MovementKind) -> tuple[Sequence[Posting], Expected]:
    """Goods of a line arrive: out of what was expected, as far as that goes; the rest came from outside all the same.

    Goods that arrive elsewhere than announced end the expectation where it stood.
    """
    _, target = route(movement)
    from_expected = min(line.open, movement.quantity)
    booked: list[tuple[PositionKey, Account, Account, Decimal]] = []
    if line.position == movement.position:
        booked.append((line.position, line.account, target, from_expected))
        booked.append((line.position, Account.OUTSIDE, target, movement.quantity - from_expected))
    else:
        booked.append((line.position, line.account, Account.OUTSIDE, from_expected))
        booked.append((movement.position, Account.OUTSIDE, target, movement.quantity))
    entries = [
        Posting(
            position,
            kind,
            source,
            goal,
            units,
            movement.key,
            movement.happened_at,
            movement.reason,
            movement.correlation_id,
        )
        for position, source, goal, units in booked
        if units > 0
    ]
    return entries, replace(line, received=line.received + movement.quantity)
