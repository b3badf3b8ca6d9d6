"""Who gets which units. Pure: claims and balances in, decisions out."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from crossdock.canonical.base import ReservationKey
from crossdock.canonical.stock import MovementKind
from crossdock.inventory.model import ZERO, Account, Position, PositionKey, Posting
from crossdock.inventory.reservations.model import (
    ACCOUNT_OF,
    ArrivedExpired,
    Claim,
    ClaimKind,
    CommitHold,
    Consume,
    Fill,
    Grant,
    Move,
    NotEnough,
    NothingThere,
    OutOfStock,
    Placement,
    Placer,
    Release,
    Reserved,
    ReserveRequest,
    Shelf,
    Shortage,
)
from crossdock.inventory.rules import Books, digest, fingerprint, post
from crossdock.inventory.states import State

CLOCKS_DIFFER: Final = timedelta(minutes=1)
EXPIRED: Final = "expired"
"""Reason of ledger rows that end a hold at its deadline."""
MOVED: Final = "moved"


def request_print(request: ReserveRequest) -> bytes:
    """What the key stands for: units per item. Deadline and locations are no part of it: a caller that asks again may
    have computed a later deadline, and the estate may rank locations anew.
    """
    units: dict[tuple[str, str], Decimal] = {}
    for line in request.lines:
        item = (line.sku, line.condition)
        units[item] = units[item] + line.quantity if item in units else line.quantity
    lines = [(*item, f"{quantity.normalize():f}") for item, quantity in sorted(units.items())]
    return digest((request.kind.value, request.fill.value, request.channel, lines))


def state_of(claims: Sequence[Claim], now: datetime) -> State:
    """Where the reservation stands at *now*; it has one kind and one deadline at all its positions."""
    assert claims
    if any(claim.expired for claim in claims):
        return State.EXPIRED
    standing = [claim for claim in claims if claim.remaining]
    if any(claim.lapsed(now) for claim in standing):
        return State.EXPIRED
    if standing:
        return State.HELD if standing[0].kind is ClaimKind.HOLD else State.ALLOCATED
    return State.CONSUMED if any(claim.consumed for claim in claims) else State.RELEASED


def place(request: ReserveRequest, shelf: Shelf) -> Placement:
    """Take from each line's locations in their order, whatever is available. Lines of one item share its units."""
    takes: dict[PositionKey, Decimal] = {}
    shortages: list[Shortage] = []
    for line in request.lines:
        missing = line.quantity
        for location in line.locations:
            key = PositionKey(line.sku, location, line.condition)
            balances = shelf.get(key)
            if balances is None:
                continue
            taken = takes.get(key, ZERO)
            take = min(missing, balances[Account.AVAILABLE] - taken)
            if take > 0:
                takes[key] = taken + take
                missing -= take
                if not missing:
                    break
        if missing:
            shortages.append(Shortage(line.sku, line.condition, line.quantity, line.quantity - missing))
    return Placement(takes, tuple(shortages))


def decide(
    request: ReserveRequest, books: Books, now: datetime, placer: Placer
) -> tuple[Reserved | OutOfStock | ArrivedExpired, Sequence[Posting]]:
    """Answer one request from what its predecessors in the batch left over, and move its units in *books*."""
    if request.expires_at is not None and request.expires_at <= now:
        return ArrivedExpired(request.key, request.expires_at), ()
    placement = placer(request, books)
    if not placement.takes or (placement.shortages and request.fill is Fill.ALL):
        return OutOfStock(request.key, placement.shortages), ()
    account = ACCOUNT_OF[request.kind]
    kind = MovementKind.HOLD if request.kind is ClaimKind.HOLD else MovementKind.ALLOCATE
    postings = []
    for key, take in placement.takes.items():
        assert ZERO < take <= books[key][Account.AVAILABLE], (request.key, key, take)
        posting = Posting(key, kind, Account.AVAILABLE, account, take, request.key, now, "", request.correlation_id)
        postings.append(post(books, posting))
    grants = tuple(sorted(Grant(key, take) for key, take in placement.takes.items()))
    return Reserved(request.key, grants, request.expires_at, placement.shortages), postings


def opened_claims(request: ReserveRequest, answer: Reserved) -> Iterator[Claim]:
    """The claims that a granted request begins with."""
    for position, quantity in answer.grants:
        yield _fresh(request.key, position, request.kind, request.expires_at, granted=quantity, arrived=quantity)


def _fresh(
    key: ReservationKey,
    position: PositionKey,
    kind: ClaimKind,
    expires_at: datetime | None,
    *,
    granted: Decimal,
    arrived: Decimal,
) -> Claim:
    return Claim(
        key=key,
        sku=position.sku,
        location=position.location,
        condition=position.condition,
        kind=kind,
        expires_at=expires_at,
        granted=granted,
        arrived=arrived,
        remaining=arrived,
    )


def lapses_ended_until(position: Position) -> datetime:
    """Holds with an earlier deadline have been ended there: whoever wrote the position did that first. Clocks of several
    processes differ, but not by so much.
    """
    return position.changed_at - CLOCKS_DIFFER


def lapse(due: Iterable[Claim], books: Books) -> Iterator[tuple[Posting, Claim]]:
    """End holds whose deadline has passed. They ended at their deadline, whenever somebody noticed."""
    for claim in due:
        assert claim.expires_at is not None, claim
        posting = Posting(
            claim.position,
            MovementKind.HOLD_RELEASE,
            Account.HELD,
            Account.AVAILABLE,
            claim.remaining,
            claim.key,
            claim.expires_at,
            EXPIRED,
        )
        yield post(books, posting), replace(claim, remaining=ZERO, expired=claim.expired + claim.remaining)


def commit(
    request: CommitHold, claims: Iterable[Claim], books: Books, now: datetime
) -> Iterator[tuple[Posting, Claim]]:
    """Held units become allocated: nothing is promised that was not promised before."""
    for claim in claims:
        if claim.remaining and claim.kind is ClaimKind.HOLD:
            posting = Posting(
                claim.position,
                MovementKind.ALLOCATE,
                Account.HELD,
                Account.ALLOCATED,
                claim.remaining,
                claim.key,
                now,
                "committed",
                request.correlation_id,
            )
            yield post(books, posting), replace(claim, kind=ClaimKind.ALLOCATION, expires_at=None)


def extend(claims: Sequence[Claim], until: datetime) -> tuple[Sequence[Claim], datetime]:
    """A later deadline for all claims of a hold; an earlier one changes nothing."""
    latest = max(until, deadline_of(claims))
    return [replace(claim, expires_at=latest) for claim in claims], latest


def deadline_of(claims: Iterable[Claim]) -> datetime:
    """When the hold ends, or ended."""
    return max(claim.expires_at for claim in claims if claim.expires_at is not None)


def freed(before: Iterable[Claim], after: Iterable[Claim]) -> tuple[Grant, ...]:
    """What was given back between two views of a reservation."""
    released = {claim.position: claim.released for claim in before}
    return tuple(
        Grant(claim.position, units)
        for claim in after
        if (units := claim.released - released.get(claim.position, ZERO))
    )


def release_print(request: Release) -> bytes:
    """What a partial release's reference stands for."""
    return fingerprint("release", request.key, *_quantities(request.lines))


def consume_print(request: Consume) -> bytes:
    """What a shipment's reference stands for."""
    return fingerprint("consume", request.key, *_quantities(request.lines))


def move_print(request: Move) -> bytes:
    """What a move's reference stands for."""
    quantity = "all" if request.quantity is None else request.quantity
    return fingerprint("move", request.key, *request.source_position, request.target, quantity)


def _quantities(lines: Iterable[Grant]) -> Iterator[object]:
    for position, quantity in sorted(_summed(lines).items()):
        yield from (*position, quantity)


def release(request: Release, claims: Iterable[Claim], books: Books, now: datetime) -> Iterator[tuple[Posting, Claim]]:
    """Give units back, never more than remain."""
    wanted = _summed(request.lines)
    for claim in claims:
        units = min(claim.remaining, wanted.get(claim.position, ZERO)) if wanted else claim.remaining
        if units:
            posting = _give_back(claim, units, now, request.reason, request.correlation_id)
            yield (
                post(books, posting),
                replace(claim, remaining=claim.remaining - units, released=claim.released + units),
            )


def _give_back(claim: Claim, units: Decimal, now: datetime, reason: str, correlation_id: UUID | None) -> Posting:
    kind = MovementKind.HOLD_RELEASE if claim.kind is ClaimKind.HOLD else MovementKind.RELEASE
    account = ACCOUNT_OF[claim.kind]
    return Posting(claim.position, kind, account, Account.AVAILABLE, units, claim.key, now, reason, correlation_id)


@dataclass(frozen=True, slots=True)
class Consumption:
    """How a shipment is booked."""

    postings: tuple[Posting, ...]
    claims: tuple[Claim, ...]
    taken: tuple[Grant, ...]
    beyond: tuple[Grant, ...]


def consume(request: Consume, claims: Iterable[Claim], books: Books) -> Consumption:
    """Take shipped units from the claim first; what exceeds it leaves sellable stock, as any other issue."""
    standing = {claim.position: claim for claim in claims if claim.remaining}
    postings: list[Posting] = []
    changed: list[Claim] = []
    taken: list[Grant] = []
    beyond: list[Grant] = []
    for position, shipped in _summed(request.lines).items():
        claim = standing.get(position)
        units = ZERO if claim is None else min(claim.remaining, shipped)
        if claim is not None:
            postings.append(_leave(request, position, MovementKind.CONSUME, ACCOUNT_OF[claim.kind], units))
            changed.append(replace(claim, remaining=claim.remaining - units, consumed=claim.consumed + units))
            taken.append(Grant(position, units))
        if shipped > units:
            postings.append(_leave(request, position, MovementKind.ISSUE, Account.AVAILABLE, shipped - units))
            beyond.append(Grant(position, shipped - units))
    for posting in postings:
        post(books, posting)
    return Consumption(tuple(postings), tuple(changed), tuple(taken), tuple(beyond))


def _leave(request: Consume, position: PositionKey, kind: MovementKind, account: Account, units: Decimal) -> Posting:
    return Posting(
        position,
        kind,
        account,
        Account.OUTSIDE,
        units,
        request.key,
        request.happened_at,
        request.reference,
        request.correlation_id,
    )


def _summed(lines: Iterable[Grant]) -> dict[PositionKey, Decimal]:
    totals: dict[PositionKey, Decimal] = {}
    for position, quantity in lines:
        totals[position] = totals.get(position, ZERO) + quantity
    return totals


@dataclass(frozen=True, slots=True)
class Relocation:
    """How a claim's move is booked."""

    postings: tuple[Posting, ...]
    claims: tuple[Claim, ...]
    quantity: Decimal


def move(
    request: Move, source: Claim | None, there: Claim | None, books: Books, now: datetime
) -> Relocation | NotEnough | NothingThere:
    """Free the units at the source and claim as many at the target.

    *there* is what the reservation already has, or once had, at the target.
    """
    if source is None or not source.remaining:
        return NothingThere(request.key)
    units = min(source.remaining, request.quantity or source.remaining)
    target = request.target_position
    available = books[target][Account.AVAILABLE] if target in books else ZERO
    if available < units:
        return NotEnough(request.key, max(ZERO, available))
    kind = MovementKind.HOLD if source.kind is ClaimKind.HOLD else MovementKind.ALLOCATE
    freed = _give_back(source, units, now, MOVED, request.correlation_id)
    claimed = Posting(
        target,
        kind,
        Account.AVAILABLE,
        ACCOUNT_OF[source.kind],
        units,
        source.key,
        now,
        MOVED,
        request.correlation_id,
    )
    if there is None:
        arrival = _fresh(source.key, target, source.kind, source.expires_at, granted=ZERO, arrived=units)
    else:
        arrival = replace(
            there,
            kind=source.kind,
            expires_at=source.expires_at,
            arrived=there.arrived + units,
            remaining=there.remaining + units,
        )
    left = replace(source, remaining=source.remaining - units, moved=source.moved + units)
    return Relocation((post(books, freed), post(books, claimed)), (left, arrival), units)
