"""Rules of the promise, as frozen data. Every list is ordered: the last rule that matches wins.

An absent field matches everything. `category` matches the items of a category and of those below it (`food` matches
`food.dairy.milk`), `group` the locations of a location group and of the groups in it.
"""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final, TypeAlias

import msgspec

from crossdock.canonical.base import (
    CategoryPath,
    ChannelCode,
    Code,
    LocationCode,
    Moment,
    Text,
    check_moment,
    check_not_negative,
)
from crossdock.canonical.orders import Mode
from crossdock.estate.part import Duration, Part

PERCENT_MAX: Final = Decimal(100)
Members = Annotated[tuple[Code, ...], msgspec.Meta(max_length=5000)]


class LocationGroup(Part, frozen=True):
    """Locations under one name: a region, a brand's stores. Pools and rules may name it."""

    code: Code
    members: Members
    """Locations, and groups whose members are its own too; best first."""
    name: Text = ""


class Pool(Part, frozen=True):
    """Locations that serve one or more channels. Pools that share a location share its units."""

    code: Code
    members: Members
    """Locations and location groups, best first."""
    name: Text = ""


class SafetyStock(Part, frozen=True):
    """Units kept back at each location. The last rule that matches wins; an absent field matches everything."""

    quantity: Decimal
    sku: Code | None = None
    category: CategoryPath | None = None
    location: LocationCode | None = None
    group: Code | None = None
    mode: Mode | None = None

    def __post_init__(self) -> None:
        check_not_negative(self.quantity, "quantity")


class ChannelBuffer(Part, frozen=True):
    """Units hidden from a channel, once for its whole pool. The last rule that matches wins."""

    quantity: Decimal
    channel: ChannelCode | None = None
    sku: Code | None = None
    category: CategoryPath | None = None
    mode: Mode | None = None

    def __post_init__(self) -> None:
        check_not_negative(self.quantity, "quantity")


class Segment(Part, frozen=True):
    """A share of a pool kept for one of its channels: the others cannot use it until it is given back.

    Of a channel's rules the last one that matches wins. Its open claims use its own share first, then what is free.
    """

    channel: ChannelCode
    """The share is kept in the pool of this channel."""
    units: Decimal | None = None
    """So many units…"""
    percent: Decimal | None = None
    """…or so much of what the pool's locations hold above their safety stock, rounded down. One of both."""
    sku: Code | None = None
    category: CategoryPath | None = None
    since: Moment | None = None
    until: Moment | None = None
    """Given back at this moment."""
    give_back_at: Decimal | None = None
    """Given back by stock: of the last so many units of the pool nothing is kept, anybody may sell them."""

    def __post_init__(self) -> None:
        if (self.units is None) == (self.percent is None):
            raise ValueError("a segment needs `units` or `percent`, one of both")
        check_not_negative(self.units or Decimal(0), "units")
        check_not_negative(self.percent or Decimal(0), "percent")
        check_not_negative(self.give_back_at or Decimal(0), "give_back_at")
        if self.percent is not None and self.percent > PERCENT_MAX:
            raise ValueError("`percent` must not be above 100")
        check_window(self.since, self.until)


class BackorderLimit(Part, frozen=True):
    """How many units may be sold without goods, for channels with `backorder: true`. The last rule that matches wins.

    The limit belongs to an item and a pool: units that its locations owe already, backordered or short, use it up first.
    With `since` and `until` it is a pre-order window.
    """

    quantity: Decimal
    pool: Code | None = None
    """A pool, or a channel that lists its own locations."""
    sku: Code | None = None
    category: CategoryPath | None = None
    since: Moment | None = None
    until: Moment | None = None

    def __post_init__(self) -> None:
        check_not_negative(self.quantity, "quantity")
        check_window(self.since, self.until)


class Staleness(Part, frozen=True):
    """What to keep back where nobody has told of the stock for a while. The last rule that matches wins.

    Kept back are the units that are usually sold in the time beyond `grace`, rounded up: hours beyond grace times what
    the location sold per hour over four weeks, times `factor`. Whose silence counts stands in the location's `told_by`.
    """

    grace: Duration
    """This long, silence means nothing."""
    factor: Decimal = Decimal(1)
    sku: Code | None = None
    category: CategoryPath | None = None
    location: LocationCode | None = None
    group: Code | None = None

    def __post_init__(self) -> None:
        check_not_negative(self.factor, "factor")


class PublishLimit(Part, frozen=True):
    """What a channel is told at least and at most. For either number the last rule that matches and names it wins."""

    minimum: Decimal | None = None
    """With less than this to sell, the channel is told 0."""
    maximum: Decimal | None = None
    """The channel is never told more; of an item without a number it is told exactly this."""
    channel: ChannelCode | None = None
    sku: Code | None = None
    category: CategoryPath | None = None
    mode: Mode | None = None

    def __post_init__(self) -> None:
        if self.minimum is None and self.maximum is None:
            raise ValueError("a publish limit needs `minimum` or `maximum`")
        check_not_negative(self.minimum or Decimal(0), "minimum")
        check_not_negative(self.maximum or Decimal(0), "maximum")


class StopSell(Part, frozen=True):
    """What may not be sold. The last rule that matches wins, so a later one with `stop: false` is an exception.

    For a stop of the moment there are switches (`crossdock stock stop`), which need no new version of the estate.
    """

    reason: Text = ""
    stop: bool = True
    sku: Code | None = None
    category: CategoryPath | None = None
    channel: ChannelCode | None = None
    location: LocationCode | None = None
    group: Code | None = None
    mode: Mode | None = None
    since: Moment | None = None
    until: Moment | None = None

    def __post_init__(self) -> None:
        check_window(self.since, self.until)


PromiseRule: TypeAlias = SafetyStock | ChannelBuffer | Segment | BackorderLimit | Staleness | PublishLimit | StopSell
"""All of them choose items."""


def check_window(since: datetime | None, until: datetime | None) -> None:
    """Aware, and not over before it begins."""
    check_moment(since, "since")
    check_moment(until, "until")
    if since is not None and until is not None and until <= since:
        raise ValueError("`until` must be later than `since`")
