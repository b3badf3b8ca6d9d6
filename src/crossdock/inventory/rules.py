"""What movements do to the books. Pure: balances in, postings out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from hashlib import blake2b
from typing import Final, TypeAlias, assert_never

from crossdock.canonical.stock import Bucket, FloorMovement, MovementKind
from crossdock.canonical.stock_facts import NOT_BOOKED
from crossdock.inventory.model import (
    UNAVAILABLE,
    ZERO,
    Account,
    BeyondTolerance,
    Counted,
    CountOutcome,
    MovementKey,
    NewCount,
    NewMovement,
    OutdatedCount,
    Position,
    PositionKey,
    Posting,
    StaleCount,
    StockCount,
    Unchanged,
)

Balances: TypeAlias = "dict[Account, Decimal]"
Books: TypeAlias = "dict[PositionKey, Balances]"
"""The locked positions' balances, moved on by each decision of a batch."""

_INSIDE: Final = (Account.AVAILABLE, Account.HELD, Account.ALLOCATED, *UNAVAILABLE)


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """The floor did what our books say is impossible."""

    position: PositionKey
    ours: Decimal
    theirs: Decimal
    cause: str


@dataclass(frozen=True, slots=True)
class Short:
    """A position's promises exceed its goods, more than before the batch."""

    position: PositionKey
    short: Decimal
    cause: str


def opened(positions: Iterable[Position]) -> Books:
    """Balances to decide with."""
    return {position.key: balances_of(position) for position in positions}


def balances_of(position: Position) -> Balances:
    """A position as its accounts hold it."""
    balances = {
        Account.AVAILABLE: position.available,
        Account.HELD: position.held,
        Account.ALLOCATED: position.allocated,
        Account.IN_TRANSIT: position.in_transit,
        Account.ON_ORDER: position.on_order,
        Account.DATED: position.dated,
        Account.BACKORDERED: position.backordered,
        Account.OUTSIDE: ZERO,
        Account.DAMAGED: position.damaged,
        Account.QUALITY_HOLD: position.quality_hold,
        Account.QUARANTINE: position.quarantine,
        Account.DISPLAY: position.display,
        Account.REPAIR: position.repair,
        Account.RETURN_TO_VENDOR: position.return_to_vendor,
    }
    assert len(balances) == len(Account)
    return balances


def post(books: Books, posting: Posting) -> Posting:
    """Move the units in *books*; gives the posting back."""
    balances = books[posting.position]
    balances[posting.source] -= posting.quantity
    balances[posting.target] += posting.quantity
    return posting


def on_hand(balances: Mapping[Account, Decimal]) -> Decimal:
    """Units physically there."""
    return sum((balances[account] for account in _INSIDE), ZERO)


def short(balances: Mapping[Account, Decimal]) -> Decimal:
    """Units promised beyond what is there."""
    promised = balances[Account.HELD] + balances[Account.ALLOCATED]
    return max(ZERO, promised - max(ZERO, promised + balances[Account.AVAILABLE]))


def postings_of(movement: NewMovement, balances: Mapping[Account, Decimal]) -> Iterator[Posting]:
    """The entries of a floor fact. A bucket gives what it has; the rest must have come from sellable stock."""
    quantity = abs(movement.quantity)
    source, target = route(movement)
    if source is target:
        return
    taken = min(quantity, balances[source]) if source in UNAVAILABLE else quantity
    kind = MovementKind(movement.kind.value)
    for account, units in ((source, taken), (Account.AVAILABLE, quantity - taken)):
        if units > 0 and account is not target:
            yield Posting(
                movement.position,
                kind,
                account,
                target,
                units,
                movement.key,
                movement.happened_at,
                movement.reason,
                movement.correlation_id,
            )


def route(movement: NewMovement) -> tuple[Account, Account]:
    """Where a movement's units come from and go to."""
    match movement.kind:
        case FloorMovement.RECEIVE | FloorMovement.RETURN_RECEIVE:
            return Account.OUTSIDE, _account(movement.to_bucket)
        case FloorMovement.ISSUE:
            return _account(movement.from_bucket), Account.OUTSIDE
        case FloorMovement.ADJUST:
            bucket = _account(movement.from_bucket or movement.to_bucket)
            return (bucket, Account.OUTSIDE) if movement.quantity < 0 else (Account.OUTSIDE, bucket)
        case FloorMovement.REBUCKET:
            return _account(movement.from_bucket), _account(movement.to_bucket)
        case _:
            assert_never(movement.kind)


def _account(bucket: Bucket | None) -> Account:
    return Account.AVAILABLE if bucket is None else Account(bucket.value)


def lacking(movement: NewMovement, balances: Mapping[Account, Decimal]) -> Discrepancy | None:
    """Units taken out of a bucket that our books do not see in it."""
    source, _ = route(movement)
    wanted = abs(movement.quantity)
    if source in UNAVAILABLE and balances[source] < wanted:
        return Discrepancy(movement.position, balances[source], wanted, f"{movement.kind} from {source}")
    return None


def consequences(
    before: Mapping[PositionKey, Position], books: Books, causes: Mapping[PositionKey, str]
) -> tuple[Sequence[Short], Sequence[Discrepancy]]:
    """What a batch leaves for people: promises without goods, and on-hand that cannot be."""
    shorts: list[Short] = []
    discrepancies: list[Discrepancy] = []
    for key, cause in causes.items():
        balances, was = books[key], before[key]
        now_short, units = short(balances), on_hand(balances)
        if now_short > was.short:
            shorts.append(Short(key, now_short, cause))
        unavailable = sum((balances[account] for account in UNAVAILABLE), ZERO)
        if units - unavailable < min(ZERO, was.on_hand - was.unavailable):
            floor = ZERO if units < 0 else unavailable
            discrepancies.append(Discrepancy(key, units, floor, cause))
    return shorts, discrepancies


CountDecision: TypeAlias = Counted | Unchanged | StaleCount | OutdatedCount | BeyondTolerance


def decide_count(
    count: NewCount, position: Position | None, since: Decimal, correct_max: Decimal | None
) -> CountDecision:
    """Compare a count with what we knew on-hand was at its moment; *since* is what has moved after it.

    The first count of a position opens its books, whatever the difference.
    """
    counted_at = None if position is None else position.counted_at
    if counted_at is not None and count.as_of < counted_at:
        return OutdatedCount(count.key, counted_at)
    expected = (ZERO if position is None else position.on_hand) - since
    difference = count.on_hand - expected
    if count.base is not None and count.base != expected:
        return StaleCount(count.key, expected)
    if difference == 0:
        return Unchanged(count.key)
    if correct_max is not None and counted_at is not None and abs(difference) > correct_max:
        return BeyondTolerance(count.key, expected, difference)
    return Counted(count.key, difference)


def rounds(counts: Sequence[NewCount]) -> Sequence[Sequence[int]]:
    """Numbers of counts in groups that name each position once, those of one position in their order."""
    groups: list[list[int]] = []
    named: dict[PositionKey, int] = {}
    for n, new in enumerate(counts):
        number = named.get(new.position, 0)
        named[new.position] = number + 1
        if number == len(groups):
            groups.append([])
        groups[number].append(n)
    return groups


def posting_of_count(count: NewCount, difference: Decimal) -> Posting:
    """The entry that brings on-hand to the count."""
    source, target = Account.OUTSIDE, Account.AVAILABLE
    if difference < 0:
        source, target = target, source
    return Posting(count.position, MovementKind.COUNT, source, target, abs(difference), count.key, count.as_of)


def counts_of(counted: StockCount) -> Iterator[NewCount]:
    """The lines of a count, each under a key of its own."""
    for sku, units in counted.on_hand.items():
        yield NewCount(
            key=MovementKey(f"{counted.key}/{sku}"),
            sku=sku,
            location=counted.location,
            on_hand=units,
            as_of=counted.as_of,
        )


def beyond_tolerance(counts: Iterable[NewCount], outcomes: Mapping[PositionKey, CountOutcome]) -> Iterator[Discrepancy]:
    """Counts that were not booked because a person must look first."""
    for count in counts:
        outcome = outcomes[count.position]
        if isinstance(outcome, BeyondTolerance):
            yield Discrepancy(count.position, outcome.expected, count.on_hand, f"count {count.key}{NOT_BOOKED}")


def movement_print(movement: NewMovement) -> bytes:
    """What a movement's key stands for."""
    expects = () if movement.expects is None else movement.expects
    return fingerprint(
        movement.kind, *movement.position, movement.quantity, movement.from_bucket, movement.to_bucket, *expects
    )


def count_print(count: NewCount) -> bytes:
    """What a count's key stands for."""
    return fingerprint("count", *count.position, count.on_hand, count.as_of.timestamp())


def stock_count_print(counted: StockCount) -> bytes:
    """What the key of a location's count stands for."""
    lines = (part for line in sorted(counted.on_hand.items()) for part in line)
    return fingerprint("stock_count", counted.location, counted.as_of.timestamp(), *lines)


def fingerprint(*parts: object) -> bytes:
    """What an idempotency key stands for; numbers are compared by value, so 1 and 1.0 are the same request."""
    return digest([_canonical(part) for part in parts])


def digest(content: object) -> bytes:
    """A print of plain values, by how they are written."""
    return blake2b(repr(content).encode(), digest_size=16).digest()


def _canonical(part: object) -> str:
    if isinstance(part, Decimal):
        return f"{part.normalize():f}"
    return str(part)
