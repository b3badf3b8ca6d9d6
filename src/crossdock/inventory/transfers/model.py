"""Transfers as frozen data: what is asked for, what happens to them, what is answered."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias
from uuid import UUID

from crossdock.canonical.base import LocationCode, Sku, check_moment, check_positive
from crossdock.inventory.model import ZERO, AlreadyRecorded, KeyReused
from crossdock.inventory.transfers.states import State

REFERENCE_MAX: Final = 60
"""The ERP knows each arrival by it, with the arrival's number behind it."""


class Stage(StrEnum):
    """How far a transfer is when it is made."""

    DRAFT = "draft"
    READY = "ready"
    IN_TRANSIT = "in_transit"
    """Its goods have left."""
    RECEIVED = "received"
    """They are there already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTransfer:
    """Goods that shall go, or went, from one own location to another."""

    reference: str
    source: LocationCode
    target: LocationCode
    quantities: Mapping[Sku, Decimal]
    happened_at: datetime
    """When they left or arrived, or when the transfer was asked for."""
    stage: Stage = Stage.RECEIVED
    due_at: datetime | None = None
    """When they shall be there."""
    transferred_on: date | None = None
    """The day that an arrival counts for in the ERP's books: required when they are there already."""

    def __post_init__(self) -> None:
        check_moment(self.happened_at, "happened_at")
        check_moment(self.due_at, "due_at")
        if not 0 < len(self.reference) <= REFERENCE_MAX:
            raise ValueError(f"`reference` must have 1 to {REFERENCE_MAX} characters")
        if self.source == self.target:
            raise ValueError("`target` must differ from `source`")
        if not self.quantities:
            raise ValueError("`quantities` must not be empty")
        for quantity in self.quantities.values():
            check_positive(quantity, "quantity")
        if self.stage is Stage.RECEIVED and self.transferred_on is None:
            raise ValueError("`transferred_on` is required when the goods are there already")


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkReady:
    """Its goods stand ready to be taken."""

    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ship:
    """Its goods have left. Once is enough: what is told again changes nothing."""

    reference: str
    happened_at: datetime
    quantities: Mapping[Sku, Decimal] | None = None
    """What left; None: what was asked for."""

    def __post_init__(self) -> None:
        check_moment(self.happened_at, "happened_at")
        for quantity in (self.quantities or {}).values():
            check_positive(quantity, "quantity")


@dataclass(frozen=True, slots=True, kw_only=True)
class Receive:
    """Goods of it have arrived. One arrival is told under one name, however often."""

    reference: str
    arrival: str
    happened_at: datetime
    transferred_on: date
    quantities: Mapping[Sku, Decimal] | None = None
    """What arrived; None: everything that was still under way."""

    def __post_init__(self) -> None:
        check_moment(self.happened_at, "happened_at")
        for quantity in (self.quantities or {}).values():
            check_positive(quantity, "quantity")


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """Nothing more of it will come."""

    reference: str
    happened_at: datetime
    reason: str = ""

    def __post_init__(self) -> None:
        check_moment(self.happened_at, "happened_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settle:
    """The difference is explained."""

    reference: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """It shall not take place."""

    reference: str
    reason: str = ""


Step: TypeAlias = MarkReady | Ship | Receive | Close | Settle | Cancel


class TransferLine(NamedTuple):
    """One item of a transfer."""

    sku: Sku
    asked: Decimal
    shipped: Decimal = ZERO
    received: Decimal = ZERO
    open: Decimal = ZERO
    """Still under way."""

    @property
    def missing(self) -> Decimal:
        """Left and not arrived, whether or not anybody still waits for it."""
        return max(ZERO, self.shipped - self.received)

    @property
    def surplus(self) -> Decimal:
        """Arrived beyond what left."""
        return max(ZERO, self.received - self.shipped)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A transfer without its lines."""

    reference: str
    source: LocationCode
    target: LocationCode
    state: State
    due_at: datetime | None
    made_at: datetime
    changed_at: datetime
    receptions: int
    """How often goods of it have arrived."""
    correlation_id: UUID


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transfer as it stands."""

    header: Header
    lines: tuple[TransferLine, ...]

    @property
    def open(self) -> Decimal:
        """Units under way."""
        return sum((line.open for line in self.lines), ZERO)


@dataclass(frozen=True, slots=True)
class Stepped:
    """It happened; where the transfer stands now."""

    reference: str
    state: State


@dataclass(frozen=True, slots=True)
class NotPossible:
    """That cannot happen to a transfer in this state."""

    reference: str
    state: State


@dataclass(frozen=True, slots=True)
class UnknownTransfer:
    """There is no such transfer."""

    reference: str


StepOutcome: TypeAlias = Stepped | AlreadyRecorded | KeyReused | NotPossible | UnknownTransfer
