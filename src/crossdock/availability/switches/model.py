"""A switch: who stopped what, where, why, until when."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from crossdock.canonical.base import check_moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """What shall not be sold: an item or a category, on a channel, from a location, or all of them together."""

    sku: str | None = None
    category: str | None = None
    channel: str | None = None
    location: str | None = None

    def __post_init__(self) -> None:
        if self.sku is not None and self.category is not None:
            raise ValueError("a stop is for an item or for a category, not for both")
        if not any((self.sku, self.category, self.channel, self.location)):
            raise ValueError("a stop needs an item, a category, a channel or a location")


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """A stop as it was set."""

    id: UUID
    sku: str | None
    category: str | None
    channel: str | None
    location: str | None
    owner: str
    reason: str
    since: datetime
    until: datetime | None
    """It ends by itself; None: somebody must end it."""
    ended_at: datetime | None = None
    ended_by: str | None = None

    def __post_init__(self) -> None:
        check_moment(self.until, "until")

    @property
    def what(self) -> Stop:
        """What it stops."""
        return Stop(sku=self.sku, category=self.category, channel=self.channel, location=self.location)
