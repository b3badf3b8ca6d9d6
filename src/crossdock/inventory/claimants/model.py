"""Open claims, added up."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from crossdock.canonical.base import ChannelCode, LocationCode, Sku


@dataclass(frozen=True, slots=True)
class ClaimedUnits:
    """Units of an item that a channel's open claims hold at a location."""

    sku: Sku
    location: LocationCode
    channel: ChannelCode
    units: Decimal


@dataclass(frozen=True, slots=True)
class DatedUnits:
    """Units of an item that open claims expect from a location's receipts by a day."""

    sku: Sku
    location: LocationCode
    due_by: datetime
    units: Decimal
