"""What happens to a transfer, in the books. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from crossdock.canonical.base import LocationCode, Sku
from crossdock.canonical.stock import FloorMovement, MovementKind
from crossdock.inventory.expected import rules as expecting
from crossdock.inventory.expected.model import Expected, ExpectedKind
from crossdock.inventory.model import ZERO, Account, MovementKey, NewMovement, PositionKey, Posting
from crossdock.inventory.rules import fingerprint
from crossdock.inventory.transfers.model import Header, NewTransfer, Receive, Stage, TransferLine
from crossdock.inventory.transfers.states import Fact

NEVER_ARRIVED = "did not arrive"


@dataclass(frozen=True, slots=True)
class Booking:
    """Entries, and the lines under way after them."""

    postings: tuple[Posting, ...]
    lines: tuple[Expected, ...]


def left(header: Header, quantities: Mapping[Sku, Decimal], happened_at: datetime, key: MovementKey) -> Booking:
    """Goods leave the source and are on their way to the target."""
    postings: list[Posting] = []
    lines: list[Expected] = []
    for sku, units in quantities.items():
        line = Expected(
            kind=ExpectedKind.TRANSFER,
            reference=header.reference,
            line=sku,
            sku=sku,
            location=header.target,
            due_at=header.due_at,
            quantity=units,
        )
        for location, source, target in (
            (header.source, Account.AVAILABLE, Account.OUTSIDE),
            (header.target, Account.OUTSIDE, Account.IN_TRANSIT),
        ):
            position = PositionKey(sku, location)
            postings.append(Posting(position, MovementKind.TRANSFER_OUT, source, target, units, key, happened_at))
        lines.append(line)
    return Booking(tuple(postings), tuple(lines))


def arrived(
    target: LocationCode, lines: Mapping[Sku, Expected], quantities: Mapping[Sku, Decimal], step: Receive
) -> Booking:
    """Goods arrive: out of transit as far as they were under way; what exceeds it is there all the same."""
    postings: list[Posting] = []
    changed: list[Expected] = []
    for sku, units in quantities.items():
        movement = NewMovement(
            key=MovementKey(step.reference),
            kind=FloorMovement.RECEIVE,
            sku=sku,
            location=target,
            quantity=units,
            happened_at=step.happened_at,
            reason=step.arrival,
        )
        line = lines.get(sku) or expecting.surprise(movement, ExpectedKind.TRANSFER, step.reference, sku)
        booked, after = expecting.received(movement, line, MovementKind.TRANSFER_IN)
        postings += booked
        changed.append(after)
    return Booking(tuple(postings), tuple(changed))


def given_up(lines: Iterable[Expected], at: datetime, reason: str) -> Booking:
    """What has not arrived is not waited for any more."""
    ended = [(line, expecting.closed(line, at, reason or NEVER_ARRIVED)) for line in lines if line.open]
    postings = (each for before, line in ended for each in expecting.postings(before, line, at, line.close_reason))
    return Booking(tuple(postings), tuple(line for _, line in ended))


def open_quantities(lines: Iterable[Expected]) -> Mapping[Sku, Decimal]:
    """What is still under way."""
    return {line.sku: line.open for line in lines if line.open}


def told(lines: Iterable[TransferLine]) -> Fact:
    """What an arrival means, by all that has arrived so far."""
    standing = list(lines)
    if any(line.missing for line in standing):
        return Fact.ARRIVED_IN_PART
    return Fact.EXCEEDED if any(line.surplus for line in standing) else Fact.ARRIVED


def view(asked: Mapping[Sku, Decimal], under_way: Iterable[Expected]) -> tuple[TransferLine, ...]:
    """Items as people see them: asked for, left, arrived."""
    lines = {line.sku: line for line in under_way}
    return tuple(_line(sku, asked.get(sku, ZERO), lines.get(sku)) for sku in sorted({*asked, *lines}))


def _line(sku: Sku, asked: Decimal, line: Expected | None) -> TransferLine:
    return (
        TransferLine(sku, asked)
        if line is None
        else TransferLine(sku, asked, shipped=line.quantity, received=line.received, open=line.open)
    )


def differing(lines: Iterable[TransferLine]) -> Sequence[TransferLine]:
    """Items of which something else arrived than left."""
    return [line for line in lines if line.missing or line.surplus]


def new_print(new: NewTransfer) -> bytes:
    """What a transfer's reference stands for."""
    stage = () if new.stage is Stage.RECEIVED else (new.stage.value,)
    return fingerprint("transfer", new.source, new.target, *_lines(new.quantities), *stage)


def arrival_print(step: Receive) -> bytes:
    """What an arrival's name stands for."""
    return fingerprint("arrival", step.reference, *("all",) if step.quantities is None else _lines(step.quantities))


def _lines(quantities: Mapping[Sku, Decimal]) -> Iterator[object]:
    return (part for line in sorted(quantities.items()) for part in line)
