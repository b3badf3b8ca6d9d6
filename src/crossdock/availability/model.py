"""The terms of a promise, what is asked of it, and what channels were told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias
from uuid import UUID

import msgspec

from crossdock.availability.switches.model import Switch
from crossdock.canonical.base import ChannelCode, LocationCode, ReservationKey, Sku, check_moment, check_positive
from crossdock.canonical.orders import Mode
from crossdock.catalog.model import OrderRule
from crossdock.inventory.causes.model import SetBy
from crossdock.inventory.reservations.model import Fill, ReserveOutcome

ZERO: Final = Decimal(0)


class Reason(StrEnum):
    """Why a number is zero."""

    UNKNOWN_CHANNEL = "unknown_channel"
    """The estate has no such channel."""
    EMPTY_POOL = "empty_pool"
    """No location serves the channel."""
    UNKNOWN_LOCATION = "unknown_location"
    """The pool names a location that the estate does not have."""
    LOCATION_INACTIVE = "location_inactive"
    """The location is switched off."""
    MODE_NOT_SERVED = "mode_not_served"
    """Goods do not leave the location this way."""
    STOP_SELL = "stop_sell"
    """Somebody decided that it may not be sold."""
    NEVER_SEEN = "never_seen"
    """Nobody has ever told us about this item here."""
    NO_STOCK = "no_stock"
    """Nothing is there, or less."""
    UNAVAILABLE = "unavailable"
    """What is there is damaged, in quarantine, on display…"""
    CLAIMED = "claimed"
    """What is there is promised to others."""
    SAFETY_STOCK = "safety_stock"
    """What is left is kept back at the location."""
    STALENESS = "staleness"
    """Nobody has told of the location's stock for so long that what is left may be sold by now."""
    UNPLACED = "unplaced"
    """Accepted orders that stand on no location yet need what is left."""
    DATED = "dated"
    """What is left is needed for promises made for a day."""
    SEGMENT = "segment"
    """What is left is kept for other channels."""
    CHANNEL_BUFFER = "channel_buffer"
    """What is left is hidden from the channel."""
    BACKORDER_LIMIT = "backorder_limit"
    """It could be sold without goods, but the limit is used up."""
    COMPONENT = "component"
    """A kit lacks this component; its own terms say why."""
    IMPOSSIBLE_KIT = "impossible_kit"
    """A kit that is part of itself, or made of kits too deep to look into, can never be put together."""
    PUBLISH_MIN = "publish_min"
    """With so little left the channel is told nothing."""
    PUBLISH_MAX = "publish_max"
    """The channel is never told more than this."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the estate that decided: which list, which entry, how much."""

    list: str
    index: int
    quantity: Decimal | None = None
    place: str = ""
    """File and line, where the applied version of the estate knows them."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something is zero, and what made it so."""

    reason: Reason
    location: LocationCode | None = None
    rule: Rule | None = None
    switch: UUID | None = None
    """The switch that stopped it."""
    sku: Sku | None = None
    """The component that is lacking."""


class LocationTerm(msgspec.Struct, frozen=True, kw_only=True):
    """One location's part: `atp = max(0, available - safety_stock - staleness_allowance)`, 0 if it may not serve."""

    location: LocationCode
    on_hand: Decimal = ZERO
    unavailable: Mapping[str, Decimal]
    """By bucket; empty ones are left out."""
    held: Decimal = ZERO
    allocated: Decimal = ZERO
    available: Decimal = ZERO
    """Signed."""
    short: Decimal = ZERO
    backordered: Decimal = ZERO
    on_order: Decimal = ZERO
    in_transit: Decimal = ZERO
    dated: Decimal = ZERO
    safety_stock: Decimal = ZERO
    safety_rule: Rule | None = None
    staleness_allowance: Decimal = ZERO
    staleness_rule: Rule | None = None
    heard_at: datetime | None = None
    """When the source of its stock that has been silent longest was last heard; None where no rule looks."""
    atp: Decimal = ZERO
    cause: Cause | None = None
    """Why `atp` is zero."""
    changed_at: datetime | None = None
    """When the hub learned of the latest change; None when the item was never seen here."""
    happened_at: datetime | None = None
    version: int = 0

    @property
    def reason(self) -> Reason | None:
        """Why `atp` is zero, in a word."""
        return None if self.cause is None else self.cause.reason

    @property
    def eligible(self) -> bool:
        """May the location serve this channel in this mode at all?"""
        return self.reason not in INELIGIBLE

    @property
    def base(self) -> Decimal:
        """What percentages are of: goods in hand above the safety stock, promised or not."""
        return max(ZERO, self.available + self.held + self.allocated - self.safety_stock)


INELIGIBLE: Final = (Reason.UNKNOWN_LOCATION, Reason.LOCATION_INACTIVE, Reason.MODE_NOT_SERVED, Reason.STOP_SELL)


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentTerm:
    """What the pool keeps for one channel: `remaining = max(0, size - used)`."""

    channel: ChannelCode
    rule: Rule
    size: Decimal
    used: Decimal
    remaining: Decimal
    """After what its rule gives back by stock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Goods expected at a location, or (negative) promised from there for a day."""

    location: LocationCode
    due_at: datetime
    quantity: Decimal
    overdue: bool = False
    """Receipts that did not come when they were due are not counted."""
    reference: str = ""
    """Of goods: the supplier's document, or the transfer, that they come with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """What a channel may sell of an item, with every term that made the number.

    `pool = max(0, Σ atp + incoming - unplaced)`, `free = max(0, pool - kept)`,
    `physical = max(0, min(pool, own_segment + free) - channel_buffer)`,
    `sellable = physical + max(0, backorder_limit - backordered - short)`.

    Of a kit: the fewest times that what its components give contains what it takes of them; whole kits only.
    """

    sku: Sku
    channel: ChannelCode
    mode: Mode
    as_of: datetime
    tracked: bool = True
    locations: tuple[LocationTerm, ...] = ()
    arrivals: tuple[Arrival, ...] = ()
    incoming: Decimal = ZERO
    """Within the channel's horizon: the lowest balance from its end on of what comes and what is promised from it."""
    incoming_until: datetime | None = None
    unplaced: Decimal = ZERO
    pool: Decimal = ZERO
    segments: tuple[SegmentTerm, ...] = ()
    own_segment: Decimal = ZERO
    """What remains of the channel's own segment."""
    kept: Decimal = ZERO
    """What all segments together keep."""
    free: Decimal = ZERO
    channel_buffer: Decimal = ZERO
    buffer_rule: Rule | None = None
    physical: Decimal = ZERO
    backorder_limit: Decimal = ZERO
    backorder_rule: Rule | None = None
    backorder: Decimal = ZERO
    """What may be sold without goods."""
    sellable: Decimal = ZERO
    publish_min: Decimal | None = None
    publish_min_rule: Rule | None = None
    publish_max: Decimal | None = None
    publish_max_rule: Rule | None = None
    """None although there is a maximum: it is the channel's own."""
    published: Decimal | None = None
    """What the channel is told; None when it is told nothing (an untracked item without a maximum)."""
    kit: bool = False
    components: "tuple[ComponentTerm, ...]" = ()
    """Of a kit."""
    causes: tuple[Cause, ...] = ()
    """Why `sellable` or `published` is zero; empty otherwise."""

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """The causes in a word each."""
        return tuple(dict.fromkeys(cause.reason for cause in self.causes))


@dataclass(frozen=True, slots=True)
class ComponentTerm:
    """What a kit takes of an item, and what the channel may sell of that."""

    quantity: Decimal
    availability: Availability


@dataclass(frozen=True, slots=True)
class Standing:
    """A number, and until when it stands if nothing is booked."""

    availability: Availability
    until: datetime | None
    """When time alone changes it: a hold lapses, a rule's window opens or closes, a receipt is overdue."""
    parts: tuple[Sku, ...] = ()
    """Of a kit: whose stock its number is made of."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Items whose numbers may have changed since a look, with the place of the last row that says so."""

    items: Mapping[Sku, int] | None
    """None: too many, or unknown."""
    horizon: int
    """Of this look: what lies below it was all seen."""


@dataclass(frozen=True, slots=True)
class HoldLine:
    """Units of an item that a customer is about to buy."""

    sku: Sku
    quantity: Decimal

    def __post_init__(self) -> None:
        check_positive(self.quantity, "quantity")


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRequest:
    """A channel asks to hold units: granted up to what it may sell, placed at once on locations of its pool."""

    key: ReservationKey
    channel: ChannelCode
    lines: Sequence[HoldLine]
    mode: Mode = Mode.SHIP
    location: LocationCode | None = None
    """The one location that shall serve it (pickup)."""
    expires_at: datetime | None = None
    """Absent: the channel's own time for holds."""
    fill: Fill = Fill.ALL
    correlation_id: UUID | None = None

    def __post_init__(self) -> None:
        check_moment(self.expires_at, "expires_at")
        if not self.lines:
            raise ValueError("`lines` must not be empty")


@dataclass(frozen=True, slots=True)
class HoldTooLong:
    """The hold would keep its units from others for longer than its channel may: nothing was done."""

    latest: datetime
    """The farthest end that it could ask for now."""


class NewTarget(NamedTuple):
    """A number that a channel shall show from now on."""

    channel: ChannelCode
    sku: Sku
    quantity: Decimal
    urgent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The number a channel shall show for an item, and the last one that it confirmed."""

    channel: ChannelCode
    sku: Sku
    quantity: Decimal
    version: int
    urgent: bool
    happened_at: datetime
    """When the earliest fact happened that the channel has not confirmed yet."""
    decided_at: datetime
    confirmed_version: int
    confirmed_quantity: Decimal | None
    confirmed_at: datetime | None

    @property
    def pending(self) -> bool:
        """Is there something to tell?"""
        return self.confirmed_version < self.version


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A channel shows this number, which it was told as *version*."""

    sku: Sku
    version: int
    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """A number that a channel shall show, from when it was decided."""

    version: int
    quantity: Decimal
    happened_at: datetime
    decided_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """A number that a channel said it shows."""

    version: int
    quantity: Decimal
    confirmed_at: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """What a channel should have shown at a moment, and what it had last confirmed by then."""

    announced: Announcement | None
    confirmed: Confirmation | None
    """The last by then, of whatever number."""
    answered: Confirmation | None = None
    """The first confirmation of what was announced, or of something newer; it may have come later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A number with its terms, what set them, and what the channel was told about it."""

    availability: Availability
    told: Told
    estate_version: int
    """In force at that moment."""
    set_by: tuple[SetBy, ...] = ()
    """For every balance that is not zero the ledger row that last changed it."""
    switches: tuple[Switch, ...] = ()
    """Those that stop it."""


@dataclass(frozen=True, slots=True)
class QuantityRefused:
    """The catalogue does not let customers order this quantity: nothing was done."""

    sku: Sku
    quantity: Decimal
    rule: OrderRule
    limit: Decimal


HoldOutcome: TypeAlias = ReserveOutcome | HoldTooLong | QuantityRefused
