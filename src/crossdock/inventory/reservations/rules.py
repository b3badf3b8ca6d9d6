"""Who gets which units. Pure: claims and balances in, decisions out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from crossdock.canonical.stock import MovementKind
from crossdock.inventory.model import NEW, ZERO, Account, Position, PositionKey, Posting
from crossdock.inventory.reservations.claims import arrived, freed_to, fresh_claim, given_back, left_behind
from crossdock.inventory.reservations.model import (
    ACCOUNT_OF,
    ArrivedExpired,
    Claim,
    ClaimKind,
    CommitHold,
    Consume,
    Fill,
    Grant,
    Ground,
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
from crossdock.inventory.waiting import rules as waiting
from crossdock.inventory.waiting.model import GOODS_ONLY, WAITING_ACCOUNTS, Basis, Wait
from crossdock.inventory.waiting.rules import Timetables

CLOCKS_DIFFER: Final = timedelta(minutes=1)
EXPIRED: Final = "expired"
"""Reason of ledger rows that end a hold at its deadline."""
MOVED: Final = "moved"
CLAIMING: Final[Mapping[ClaimKind, MovementKind]] = {
    ClaimKind.HOLD: MovementKind.HOLD,
    ClaimKind.ALLOCATION: MovementKind.ALLOCATE,
}


def request_print(request: ReserveRequest) -> bytes:
    """What the key stands for: units per item. Deadline and locations are no part of it: a caller that asks again may
    have computed a later deadline, and the estate may rank locations anew.
    """
    units: dict[tuple[str, str], Decimal] = {}
    named = [((sku, NEW), quantity) for sku, quantity in request.asked]
    for item, quantity in named or [((line.sku, line.condition), line.quantity) for line in request.lines]:
        units[item] = units[item] + quantity if item in units else quantity
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
    request: ReserveRequest, books: Books, now: datetime, placer: Placer, timetables: Timetables
) -> tuple[Reserved | OutOfStock | ArrivedExpired, Sequence[Posting], Sequence[Wait]]:
    """Answer one request from what its predecessors in the batch left over, and move its units in *books*."""
    if request.expires_at is not None and request.expires_at <= now:
        return ArrivedExpired(request.key, request.expires_at), (), ()
    placement = placer(request, books)
    waits: Sequence[Wait] = ()
    shortages = placement.shortages
    if shortages and request.reach != GOODS_ONLY:
        waits, shortages = waiting.wait(request, placement, books, timetables, now)
    if not (placement.takes or waits) or (shortages and request.fill is Fill.ALL):
        return OutOfStock(request.key, shortages), (), ()
    account = ACCOUNT_OF[request.kind]
    kind = CLAIMING[request.kind]
    postings = []
    for key, take in placement.takes.items():
        assert ZERO < take <= books[key][Account.AVAILABLE], (request.key, key, take)
        posting = Posting(key, kind, Account.AVAILABLE, account, take, request.key, now, "", request.correlation_id)
        postings.append(post(books, posting))
    grants = sorted(Grant(key, take) for key, take in placement.takes.items())
    for wait in waits:
        posting = Posting(
            wait.position,
            kind,
            Account.OUTSIDE,
            WAITING_ACCOUNTS[wait.basis],
            wait.quantity,
            request.key,
            now,
            "",
            request.correlation_id,
        )
        postings.append(post(books, posting))
        timetables.take(wait)
    grants += sorted((Grant(wait.position, wait.quantity, wait.basis) for wait in waits), key=as_answered)
    return Reserved(request.key, tuple(grants), request.expires_at, shortages), postings, waits


def as_answered(grant: Grant) -> tuple[bool, PositionKey, Basis]:
    """The order of an answer's grants: those on goods first."""
    return grant.basis is not Basis.GOODS, grant.position, grant.basis


def opened_claims(request: ReserveRequest, answer: Reserved, waits: Iterable[Wait]) -> Iterator[Claim]:
    """The claims that a granted request begins with."""
    due = {(wait.position, wait.basis): wait.due_by for wait in waits}
    for position, quantity, basis in answer.grants:
        ground = Ground(position, basis)
        yield fresh_claim(
            request.key,
            ground,
            request.kind,
            request.expires_at,
            granted=quantity,
            arrived=quantity,
            due_by=due.get(ground) if due else None,
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
            claim.account,
            freed_to(claim),
            claim.remaining,
            claim.key,
            claim.expires_at,
            EXPIRED,
        )
        yield post(books, posting), replace(claim, remaining=ZERO, expired=claim.expired + claim.remaining)


def commit(
    request: CommitHold, claims: Iterable[Claim], books: Books, now: datetime
) -> Iterator[tuple[Sequence[Posting], Claim]]:
    """Held units become allocated: nothing is promised that was not promised before. Those that wait go on waiting."""
    for claim in claims:
        if not claim.remaining or claim.kind is not ClaimKind.HOLD:
            continue
        committed = replace(claim, kind=ClaimKind.ALLOCATION, expires_at=None)
        if claim.basis is not Basis.GOODS:
            yield (), committed
            continue
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
        yield (post(books, posting),), committed


def extend(claims: Sequence[Claim], until: datetime) -> tuple[Sequence[Claim], datetime]:
    """A later deadline for all claims of a hold; an earlier one changes nothing."""
    latest = max(until, deadline_of(claims))
    return [replace(claim, expires_at=latest) for claim in claims], latest


def deadline_of(claims: Iterable[Claim]) -> datetime:
    """When the hold ends, or ended."""
    return max(claim.expires_at for claim in claims if claim.expires_at is not None)


def freed(before: Iterable[Claim], after: Iterable[Claim]) -> tuple[Grant, ...]:
    """What was given back between two views of a reservation."""
    released = {claim.ground: claim.released for claim in before}
    return tuple(
        Grant(claim.position, units, claim.basis)
        for claim in after
        if (units := claim.released - released.get(claim.ground, ZERO))
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
    for (position, basis), quantity in sorted(_summed(lines).items()):
        yield from (*position, quantity)
        if basis is not Basis.GOODS:
            yield basis


def release(
    request: Release, claims: Iterable[Claim], books: Books, now: datetime
) -> Iterator[tuple[Sequence[Posting], Claim]]:
    """Give units back, never more than remain."""
    wanted = _summed(request.lines)
    for claim in claims:
        units = min(claim.remaining, wanted.get(claim.ground, ZERO)) if wanted else claim.remaining
        if units:
            posting = given_back(claim, units, now, request.reason, request.correlation_id)
            yield (
                (post(books, posting),),
                replace(claim, remaining=claim.remaining - units, released=claim.released + units),
            )


@dataclass(frozen=True, slots=True)
class Consumption:
    """How a shipment is booked."""

    postings: tuple[Posting, ...]
    claims: tuple[Claim, ...]
    taken: tuple[Grant, ...]
    beyond: tuple[Grant, ...]


def consume(request: Consume, claims: Iterable[Claim], books: Books) -> Consumption:
    """Take shipped units from the claim first; what exceeds it leaves sellable stock, as any other issue.

    What the reservation still waited for at that place has been given to it then.
    """
    standing = {claim.ground: claim for claim in claims if claim.remaining}
    postings: list[Posting] = []
    changed: list[Claim] = []
    taken: list[Grant] = []
    beyond: list[Grant] = []
    for position, shipped in _shipped(request.lines).items():
        left = shipped
        for basis in Basis:
            claim = standing.get(Ground(position, basis))
            units = ZERO if claim is None else min(claim.remaining, left)
            if claim is None or not units:
                continue
            postings.append(_leave(request, position, MovementKind.CONSUME, claim.account, units))
            changed.append(replace(claim, remaining=claim.remaining - units, consumed=claim.consumed + units))
            left -= units
            if basis is Basis.GOODS:
                taken.append(Grant(position, units))
        gone = shipped - sum((units for at, units, _ in taken if at == position), ZERO)
        if gone:
            postings.append(_leave(request, position, MovementKind.ISSUE, Account.AVAILABLE, gone))
            beyond.append(Grant(position, gone))
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


def _summed(lines: Iterable[Grant]) -> dict[Ground, Decimal]:
    totals: dict[Ground, Decimal] = {}
    for position, quantity, basis in lines:
        ground = Ground(position, basis)
        totals[ground] = totals.get(ground, ZERO) + quantity
    return totals


def _shipped(lines: Iterable[Grant]) -> dict[PositionKey, Decimal]:
    totals: dict[PositionKey, Decimal] = {}
    for position, quantity, _ in lines:
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
    freed = given_back(source, units, now, MOVED, request.correlation_id)
    claimed = Posting(
        target,
        CLAIMING[source.kind],
        Account.AVAILABLE,
        ACCOUNT_OF[source.kind],
        units,
        source.key,
        now,
        MOVED,
        request.correlation_id,
    )
    arrival = arrived(source, Ground(target, Basis.GOODS), there, units)
    return Relocation((post(books, freed), post(books, claimed)), (left_behind(source, units), arrival), units)
