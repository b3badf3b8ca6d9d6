"""Which rule decides: of every list the last one that matches. Pure, with a memory of what was looked up before.

A sweep asks the same lists for thousands of items; most items are named by no rule, and all of those share one answer.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from heapq import merge
from operator import neg
from typing import ClassVar, Final, Generic, NamedTuple, Protocol, TypeVar

from crossdock.canonical.base import ChannelCode, LocationCode, Sku
from crossdock.canonical.orders import Mode
from crossdock.estate.model import (
    BackorderLimit,
    Channel,
    ChannelBuffer,
    Estate,
    Location,
    PoolOf,
    PublishLimit,
    SafetyStock,
    Segment,
    Staleness,
    StopSell,
)

R = TypeVar("R")
NOBODY: Final = ""
ALWAYS: Final = datetime.min.replace(tzinfo=UTC)
NEVER: Final = datetime.max.replace(tzinfo=UTC)


class Subject(NamedTuple):
    """What a number is about."""

    sku: Sku
    category: str
    channel: ChannelCode
    pool: str
    mode: Mode


@dataclass(frozen=True, slots=True)
class Found(Generic[R]):
    """A rule that matched, and its place in its list."""

    index: int
    rule: R


@dataclass(frozen=True, slots=True)
class Placed(Generic[R]):
    """The rule that wins at each location; `elsewhere` is the one that names no location."""

    at: Mapping[LocationCode, Found[R]]
    elsewhere: Found[R] | None

    def of(self, location: LocationCode) -> Found[R] | None:
        """The rule that wins there."""
        return self.at.get(location, self.elsewhere)


@dataclass(frozen=True, slots=True)
class Selector:
    """What one rule chooses, whatever list it stands in; None matches everything."""

    sku: str | None
    category: str | None
    channel: str | None
    pool: str | None
    mode: Mode | None
    places: frozenset[LocationCode] | None
    since: datetime | None
    until: datetime | None

    @classmethod
    def of(cls, rule: object, estate: Estate) -> "Selector":
        """Fields that a kind of rule does not have choose nothing."""
        location, group = getattr(rule, "location", None), getattr(rule, "group", None)
        places = None if location is None else frozenset({LocationCode(location)})
        if group is not None:
            inside = frozenset(estate.locations_of([group]))
            places = inside if places is None else places & inside
        return cls(
            sku=getattr(rule, "sku", None),
            category=getattr(rule, "category", None),
            channel=getattr(rule, "channel", None),
            pool=getattr(rule, "pool", None),
            mode=getattr(rule, "mode", None),
            places=places,
            since=getattr(rule, "since", None),
            until=getattr(rule, "until", None),
        )

    def fits(self, subject: Subject, now: datetime) -> bool:
        """Does it match, wherever the goods are?"""
        return (
            self.sku in {None, subject.sku}
            and (self.category is None or below(subject.category, self.category))
            and self.channel in {None, subject.channel}
            and self.pool in {None, subject.pool}
            and self.mode in {None, subject.mode}
            and (self.since is None or self.since <= now)
            and (self.until is None or now < self.until)
        )


def below(category: str, above: str) -> bool:
    """Is it that category, or one in it?"""
    return category == above or category.startswith(f"{above}.")


class Timed(Protocol):
    """A list of which some entries hold at some times only."""

    edges: tuple[datetime, ...]


class Ranked(Generic[R]):
    """One list of rules."""

    def __init__(self, name: str, rules: Sequence[R], estate: Estate) -> None:
        self.name = name
        self._rules = rules
        self._selectors = [Selector.of(rule, estate) for rule in rules]
        self._by_sku: dict[str, list[int]] = {}
        self._general: list[int] = []
        for index, selector in reversed(list(enumerate(self._selectors))):
            listed = self._general if selector.sku is None else self._by_sku.setdefault(selector.sku, [])
            listed.append(index)
        windows = [(selector.since, selector.until) for selector in self._selectors]
        self.edges = tuple(edge for window in windows for edge in window if edge is not None)
        """When one of them begins or ceases to hold."""
        self._remembered: dict[Subject, Placed[R]] = {}
        self._remembered_for: tuple[datetime, datetime] | None = None

    def __bool__(self) -> bool:
        return bool(self._rules)

    def last(self, subject: Subject, now: datetime) -> Found[R] | None:
        """The last rule that matches, for lists that name no locations."""
        return self.placed(subject, now).elsewhere

    def placed(self, subject: Subject, now: datetime) -> Placed[R]:
        """The last rule that matches at each location."""
        if self.edges:
            self._forget_other_times(now)
        alike = subject if subject.sku in self._by_sku else subject._replace(sku=Sku(NOBODY))
        found = self._remembered.get(alike)
        if found is None:
            found = self._remembered[alike] = self._place(subject, now)
        return found

    def _forget_other_times(self, now: datetime) -> None:
        """Between two edges the same rules hold."""
        if self._remembered_for is not None and self._remembered_for[0] <= now < self._remembered_for[1]:
            return
        self._remembered.clear()
        since = max((edge for edge in self.edges if edge <= now), default=ALWAYS)
        self._remembered_for = since, min((edge for edge in self.edges if edge > now), default=NEVER)

    def matching(self, subject: Subject, now: datetime) -> Iterator[tuple[Found[R], frozenset[LocationCode] | None]]:
        """Every rule that matches, the last one first, with the locations that it is for."""
        for index in merge(self._by_sku.get(subject.sku, ()), self._general, key=neg):
            selector = self._selectors[index]
            if selector.fits(subject, now):
                yield Found(index, self._rules[index]), selector.places

    def _place(self, subject: Subject, now: datetime) -> Placed[R]:
        at: dict[LocationCode, Found[R]] = {}
        for found, places in self.matching(subject, now):
            if places is None:
                return Placed(at, found)  # whatever stands before it cannot win any more
            for place in places:
                at.setdefault(place, found)
        return Placed(at, None)


@dataclass(slots=True)
class Policy:
    """One version of the estate, indexed."""

    estate: Estate
    channels: Mapping[str, Channel]
    locations: Mapping[str, Location]
    safety_stock: Ranked[SafetyStock]
    channel_buffers: Ranked[ChannelBuffer]
    segments: Ranked[Segment]
    backorder_limits: Ranked[BackorderLimit]
    staleness: Ranked[Staleness]
    publish_limits: Ranked[PublishLimit]
    stop_sell: Ranked[StopSell]
    _pools: dict[str, PoolOf] = field(default_factory=dict)
    _sharing: dict[str, tuple[ChannelCode, ...]] = field(default_factory=dict)

    _latest: ClassVar["Policy | None"] = None

    @classmethod
    def of(cls, estate: Estate) -> "Policy":
        """The estate, indexed; the same one is indexed once for all who ask, one after the other."""
        if cls._latest is None or cls._latest.estate is not estate:
            cls._latest = cls._index(estate)
        return cls._latest

    @classmethod
    def _index(cls, estate: Estate) -> "Policy":
        return cls(
            estate,
            {channel.code: channel for channel in estate.channels},
            {location.code: location for location in estate.locations},
            Ranked("safety_stock", estate.safety_stock, estate),
            Ranked("channel_buffers", estate.channel_buffers, estate),
            Ranked("segments", estate.segments, estate),
            Ranked("backorder_limits", estate.backorder_limits, estate),
            Ranked("staleness", estate.staleness, estate),
            Ranked("publish_limits", estate.publish_limits, estate),
            Ranked("stop_sell", estate.stop_sell, estate),
        )

    def pool_of(self, channel: Channel) -> PoolOf:
        """The locations that serve a channel."""
        found = self._pools.get(channel.code)
        if found is None:
            found = self._pools[channel.code] = self.estate.pool_of(channel)
        return found

    def sharing(self, channel: Channel) -> tuple[ChannelCode, ...]:
        """The channels of the same pool, this one among them."""
        found = self._sharing.get(channel.code)
        if found is None:
            mine = self.pool_of(channel).code
            found = self._sharing[channel.code] = tuple(
                ChannelCode(other.code) for other in self.estate.channels if self.pool_of(other).code == mine
            )
        return found

    def turns(self, after: datetime, now: datetime) -> bool:
        """Does a rule begin or cease to hold in between?"""
        return any(after < edge <= now for each in self._lists for edge in each.edges)

    @property
    def _lists(self) -> "tuple[Timed, ...]":
        return (
            self.safety_stock, self.channel_buffers, self.segments, self.backorder_limits, self.staleness,
            self.publish_limits, self.stop_sell,
        )  # fmt: skip

    def next_turn(self, now: datetime, ends: Iterable[datetime | None]) -> datetime | None:
        """When the next rule begins or ceases to hold, or the next of *ends* comes."""
        turns = [edge for each in self._lists for edge in each.edges if edge > now]
        turns += [end for end in ends if end is not None and end > now]
        return min(turns, default=None)

    def touches(self, channel: Channel, other_code: str) -> bool:
        """Do the pools of two channels have a location in common?"""
        other = self.channels.get(other_code)
        if other is None:
            return False
        return not set(self.pool_of(channel).locations).isdisjoint(self.pool_of(other).locations)
