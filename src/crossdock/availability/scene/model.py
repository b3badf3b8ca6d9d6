"""Everything that is known at one moment and decides what may be sold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from crossdock.availability.model import LocationTerm
from crossdock.availability.switches.model import Switch
from crossdock.canonical.base import ChannelCode, LocationCode, Sku
from crossdock.catalog.model import Traits
from crossdock.inventory.model import Position, PositionKey

ORDINARY: Final = Traits()


class Expected(NamedTuple):
    """Units that will come, or that somebody was promised for a day."""

    location: LocationCode
    due_at: datetime
    quantity: Decimal
    reference: str = ""
    """Of what will come: the supplier's document, or the transfer."""


class Unplaced(NamedTuple):
    """Units of accepted orders that stand on no location yet."""

    channel: ChannelCode
    quantity: Decimal


class ClaimedBy(NamedTuple):
    """Whose open claims stand where."""

    sku: Sku
    location: LocationCode
    channel: ChannelCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is known of some items as of a moment. What is not named is nothing."""

    as_of: datetime
    positions: Mapping[PositionKey, Position] = field(default_factory=dict)
    traits: Mapping[Sku, Traits] = field(default_factory=dict)
    claimed: Mapping[ClaimedBy, Decimal] = field(default_factory=dict)
    """Open holds and allocations; of items that have segments."""
    unplaced: Mapping[Sku, Sequence[Unplaced]] = field(default_factory=dict)
    receipts: Mapping[Sku, Sequence[Expected]] = field(default_factory=dict)
    """Goods on their way, from suppliers and from own locations."""
    dated: Mapping[Sku, Sequence[Expected]] = field(default_factory=dict)
    """Claims on goods that are not there yet, with the day they are promised for."""
    sold: Mapping[tuple[Sku, LocationCode], Decimal] = field(default_factory=dict)
    """Units per hour that usually leave."""
    heard: Mapping[str, datetime] = field(default_factory=dict)
    """When each source of stock was last heard, as the locations' `told_by` name them."""
    switches: Sequence[Switch] = ()
    """Stops in force."""
    worked_out: dict[object, LocationTerm] = field(init=False, default_factory=dict, compare=False, repr=False)
    """Parts of answers that other channels have asked for already: three hundred stores are looked at once, not for each
    of them. A scene made from this one begins without any."""

    def traits_of(self, sku: Sku) -> Traits:
        """Of an item that nobody described, nothing in particular."""
        return self.traits.get(sku, ORDINARY)
