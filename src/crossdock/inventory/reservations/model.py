"""Claims on stock: what is asked, what is answered."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias
from uuid import UUID

from crossdock.canonical.base import ChannelCode, LocationCode, ReservationKey, Sku, check_moment, check_positive
from crossdock.inventory.model import (
    NEW,
    ZERO,
    Account,
    AlreadyRecorded,
    Condition,
    KeyReused,
    MovementKey,
    PositionKey,
)
from crossdock.inventory.states import State
from crossdock.inventory.waiting.model import GOODS_ONLY, WAITING_ACCOUNTS, Basis, Beyond, Promise, Reach


class ClaimKind(StrEnum):
    """What a reservation is for."""

    HOLD = "hold"
    """Cart, checkout, payment in flight: ends by itself at its deadline."""
    ALLOCATION = "allocation"
    """A placed order: ends when somebody ends it."""


ACCOUNT_OF: Final[Mapping[ClaimKind, Account]] = {
    ClaimKind.HOLD: Account.HELD,
    ClaimKind.ALLOCATION: Account.ALLOCATED,
}
"""Where claims on goods stand in the books."""


def account_of(kind: ClaimKind, basis: Basis) -> Account:
    """Where a claim stands in the books."""
    return ACCOUNT_OF[kind] if basis is Basis.GOODS else WAITING_ACCOUNTS[basis]


class Fill(StrEnum):
    """What to do when not everything is there."""

    ALL = "all"
    """All lines in full, or nothing."""
    PARTIAL = "partial"
    """Whatever is there."""


@dataclass(frozen=True, slots=True)
class ReserveLine:
    """Units of an item from *locations*, best first; one location, or as many as it takes."""

    sku: Sku
    quantity: Decimal
    locations: Sequence[LocationCode]
    condition: Condition = NEW

    def __post_init__(self) -> None:
        check_positive(self.quantity, "quantity")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveRequest:
    """One reservation under one key. The same key gives the same answer for ever, whatever happened since."""

    key: ReservationKey
    kind: ClaimKind
    lines: Sequence[ReserveLine]
    expires_at: datetime | None = None
    fill: Fill = Fill.ALL
    reach: Reach = GOODS_ONLY
    promise: Promise | None = None
    """None: who asked first comes first."""
    channel: ChannelCode | None = None
    """For whom: a record, not a rule of inventory."""
    asked: Sequence[tuple[Sku, Decimal]] = ()
    """What was asked for, where that is not what is claimed: the key stands for the kit, whatever it is made of."""
    correlation_id: UUID | None = None

    def __post_init__(self) -> None:
        check_moment(self.expires_at, "expires_at")
        if (self.kind is ClaimKind.HOLD) != (self.expires_at is not None):
            raise ValueError("`expires_at` is required for a hold, and for nothing else")
        if not self.lines:
            raise ValueError("`lines` must not be empty")


class Grant(NamedTuple):
    """Units claimed at one position."""

    position: PositionKey
    quantity: Decimal
    basis: Basis = Basis.GOODS


class Shortage(NamedTuple):
    """Units of an item that could not be claimed."""

    sku: Sku
    condition: Condition
    wanted: Decimal
    available: Decimal
    """How many of them there were."""


@dataclass(frozen=True, slots=True)
class Reserved:
    """Units are claimed; `shortages` is what a partial request did not get."""

    key: ReservationKey
    grants: tuple[Grant, ...]
    expires_at: datetime | None
    shortages: tuple[Shortage, ...] = ()


@dataclass(frozen=True, slots=True)
class OutOfStock:
    """Nothing was claimed; ask again under another key."""

    key: ReservationKey
    shortages: tuple[Shortage, ...]


@dataclass(frozen=True, slots=True)
class ArrivedExpired:
    """The hold's deadline had passed when it was asked for: nothing was claimed."""

    key: ReservationKey
    expires_at: datetime


ReserveOutcome: TypeAlias = Reserved | OutOfStock | ArrivedExpired | KeyReused


class Ground(NamedTuple):
    """A position and what claims there stand on: a reservation has one claim on each."""

    position: PositionKey
    basis: Basis


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A reservation's units at one position: `arrived = remaining + consumed + released + expired + moved`."""

    key: ReservationKey
    sku: Sku
    location: LocationCode
    condition: Condition
    kind: ClaimKind
    expires_at: datetime | None
    granted: Decimal
    """In the first answer; zero when the units were moved here later."""
    arrived: Decimal
    remaining: Decimal
    consumed: Decimal = ZERO
    released: Decimal = ZERO
    expired: Decimal = ZERO
    moved: Decimal = ZERO
    """To another location, or onto other ground."""
    basis: Basis = Basis.GOODS
    due_by: datetime | None = None
    """Of a dated claim: the receipts it stands on are due by then."""

    @property
    def position(self) -> PositionKey:
        """Where it stands."""
        return PositionKey(self.sku, self.location, self.condition)

    @property
    def ground(self) -> "Ground":
        """Where it stands, and on what."""
        return Ground(self.position, self.basis)

    @property
    def account(self) -> Account:
        """Where its units stand in the books."""
        return account_of(self.kind, self.basis)

    def lapsed(self, now: datetime) -> bool:
        """A hold lives while `now < expires_at`."""
        return self.expires_at is not None and self.expires_at <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Everything claimed under one key, wherever it stands."""

    key: ReservationKey
    state: State
    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class CommitHold:
    """Turn a hold into the allocation of a placed order."""

    key: ReservationKey
    owner: str = ""
    """Who takes it over, and alone may end it from then on; empty: nobody."""
    correlation_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ExtendHold:
    """The customer is still there: live until *expires_at*, if that is later."""

    key: ReservationKey
    expires_at: datetime

    def __post_init__(self) -> None:
        check_moment(self.expires_at, "expires_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Give back everything that remains, or only *lines* of it (then under a reference of its own, done once)."""

    key: ReservationKey
    reason: str = ""
    lines: Sequence[Grant] = ()
    reference: MovementKey | None = None
    unowned: bool = False
    """Only if nobody has taken it over."""
    correlation_id: UUID | None = None

    def __post_init__(self) -> None:
        if bool(self.lines) != (self.reference is not None):
            raise ValueError("`reference` is required to release some lines, and only then")
        for line in self.lines:
            check_positive(line.quantity, "quantity")


@dataclass(frozen=True, slots=True, kw_only=True)
class Consume:
    """Goods left for the customer. A fact: what exceeds the claim is gone from sellable stock."""

    key: ReservationKey
    reference: MovementKey
    lines: Sequence[Grant]
    happened_at: datetime
    correlation_id: UUID | None = None

    def __post_init__(self) -> None:
        check_moment(self.happened_at, "happened_at")
        for line in self.lines:
            check_positive(line.quantity, "quantity")


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Take a claim's units to another location, all that remain or *quantity* of them."""

    key: ReservationKey
    reference: MovementKey
    sku: Sku
    source: LocationCode
    target: LocationCode
    quantity: Decimal | None = None
    condition: Condition = NEW
    basis: Basis = Basis.GOODS
    """What they stand on at the source; at the target they stand on goods."""
    correlation_id: UUID | None = None

    def __post_init__(self) -> None:
        if self.source == self.target:
            raise ValueError("`target` must differ from `source`")
        if self.quantity is not None:
            check_positive(self.quantity, "quantity")

    @property
    def source_position(self) -> PositionKey:
        """Where the units stand."""
        return PositionKey(self.sku, self.source, self.condition)

    @property
    def target_position(self) -> PositionKey:
        """Where they shall stand."""
        return PositionKey(self.sku, self.target, self.condition)


@dataclass(frozen=True, slots=True)
class Committed:
    """The units are allocated, now or since an earlier commit."""

    key: ReservationKey
    grants: tuple[Grant, ...]


@dataclass(frozen=True, slots=True)
class TakenOver:
    """It is somebody else's: nothing was done."""

    key: ReservationKey
    owner: str


@dataclass(frozen=True, slots=True)
class Extended:
    """The hold lives until then."""

    key: ReservationKey
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class HoldExpired:
    """The deadline has passed: the units may already be somebody else's."""

    key: ReservationKey
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Released:
    """These units are free again through this call; none when they already were, or have left."""

    key: ReservationKey
    grants: tuple[Grant, ...]


@dataclass(frozen=True, slots=True)
class Consumed:
    """The claim's share of what left, and what left beyond the claim."""

    key: ReservationKey
    taken: tuple[Grant, ...]
    beyond: tuple[Grant, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """The claim's units stand at the target now."""

    key: ReservationKey
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class NotEnough:
    """The target has no room for the claim: nothing was moved."""

    key: ReservationKey
    available: Decimal


@dataclass(frozen=True, slots=True)
class NothingThere:
    """The reservation has no units at the source."""

    key: ReservationKey


@dataclass(frozen=True, slots=True)
class NotActive:
    """The reservation has already ended another way, or is not a hold."""

    key: ReservationKey
    state: State


@dataclass(frozen=True, slots=True)
class UnknownReservation:
    """No units were ever claimed under this key."""

    key: ReservationKey


CommitOutcome: TypeAlias = Committed | TakenOver | HoldExpired | NotActive | UnknownReservation
ExtendOutcome: TypeAlias = Extended | HoldExpired | NotActive | UnknownReservation
ReleaseOutcome: TypeAlias = Released | TakenOver | AlreadyRecorded | KeyReused | UnknownReservation
ConsumeOutcome: TypeAlias = Consumed | AlreadyRecorded | KeyReused | UnknownReservation
MoveOutcome: TypeAlias = (
    Moved | NotEnough | NothingThere | HoldExpired | NotActive | AlreadyRecorded | KeyReused | UnknownReservation
)

Shelf: TypeAlias = Mapping[PositionKey, Mapping[Account, Decimal]]
"""The balances of the locked positions, as decided so far in this batch."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a request's units are taken, and what is missing."""

    takes: Mapping[PositionKey, Decimal]
    shortages: tuple[Shortage, ...] = ()
    beyond: Mapping[Sku, Beyond] | None = None
    """What of the shortages may be had without goods; None: whatever the request reaches."""


Placer: TypeAlias = Callable[[ReserveRequest, Shelf], Placement]
"""A pure policy: which units of the shelf a request gets. It never takes more than is available."""
