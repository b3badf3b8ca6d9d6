"""Units that are promised and stand nowhere yet."""

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from crossdock.canonical.base import ChannelCode, Sku


class UnplacedLine(NamedTuple):
    """So many units of an order's line wait for a place; none when they have one, or nobody wants them any more."""

    order_id: UUID
    line_id: str
    sku: Sku
    channel: ChannelCode
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class UnplacedUnits:
    """Units of an item that a channel's orders wait with."""

    sku: Sku
    channel: ChannelCode
    units: Decimal
