"""The estate: everything about the retailer that people decide, as frozen data.

Field docstrings are the documentation: the JSON Schema that editors use and the reference page are made from them.
Rules are ordered lists and the last match wins.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, NamedTuple

import msgspec

from crossdock.canonical.base import ChannelCode, Code, ConnectionName, LocationCode, Text
from crossdock.canonical.orders import Mode
from crossdock.estate.part import Duration, Name, Part, Zone
from crossdock.estate.promise.model import (
    BackorderLimit,
    ChannelBuffer,
    LocationGroup,
    Pool,
    PromiseRule,
    PublishLimit,
    SafetyStock,
    Segment,
    Staleness,
    StopSell,
)

__all__ = [
    "BackorderLimit",
    "Channel",
    "ChannelBuffer",
    "Company",
    "ConnectionConfig",
    "DropRules",
    "Estate",
    "Flow",
    "FlowKind",
    "Location",
    "LocationGroup",
    "LocationKind",
    "Ownership",
    "Policies",
    "Pool",
    "PoolOf",
    "PublishLimit",
    "SafetyStock",
    "Segment",
    "Staleness",
    "StopSell",
    "TillPosting",
    "Version",
    "connection_name",
    "duration",
]


class LocationKind(StrEnum):
    """What a location is."""

    STORE = "store"
    WAREHOUSE = "warehouse"


class Location(Part, frozen=True):
    """A place that holds stock."""

    code: Code
    name: Text
    kind: LocationKind
    zone: Zone = "UTC"
    """IANA time zone: business days and till times without a zone are read in it."""
    modes: tuple[Mode, ...] = (Mode.SHIP,)
    """How goods may leave it for a customer."""
    active: bool = True
    told_by: tuple[Text, ...] = ()
    """Whose silence makes its stock stale: connections, one feed of a connection (`erp/floor`), or `.` for any fact from
    its own floor, whoever tells it.
    """


class Channel(Part, frozen=True):
    """A place where we sell."""

    code: Code
    name: Text
    currency: Code
    connection: Name | None = None
    """The connection that brings its orders and takes its stock; none for channels that use our API."""
    pool: tuple[Code, ...] | Code = ()
    """What serves it: the code of a pool, or locations and location groups, best first."""
    horizon: Duration | None = None
    """It may sell what is expected within this time. Absent: only what is there."""
    backorder: bool = False
    """May it sell without goods, within `backorder_limits`?"""
    penalty: Decimal = Decimal(0)
    """What it charges for a broken promise: of two orders alike, the one of the dearer channel gets the goods."""
    split: bool = True
    """May one order be served from several locations?"""
    publish_max: Decimal | None = None
    """Never publish more than this many units of an item, unless `publish_limits` says otherwise."""
    rounding_tolerance: Decimal = Decimal("0.05")
    """The largest difference between an order's total and its lines that is booked as rounding without a person."""
    hold_minutes: Annotated[int, msgspec.Meta(ge=1, le=525_600)] = 30
    """How long a hold from this channel lives without being extended."""
    hold_days_max: Annotated[int, msgspec.Meta(ge=1, le=365)] = 7
    """The farthest end, in days from now, that a hold from this channel may ask for, also when it is extended."""


class DropRules(Part, frozen=True):
    """When a file in a connection's drop folder may be taken. One that was renamed into place is taken at once."""

    settle_s: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 5.0
    """Any other file is taken when its size and time have not changed for so many seconds."""
    cut_s: Annotated[float, msgspec.Meta(ge=0, le=86400)] = 300.0
    """A file without its end (half a line, an open element), or an empty one, must not have changed for so many
    seconds; then what can be read of it is taken, and the rest goes to a person."""
    marker: Text = ""
    """Suffix of a file that says that another one is whole, e.g. `.complete` for `day.xml.complete` or `day.complete`:
    no file is taken without it, any file with it at once. Empty: files need none."""


class ConnectionConfig(Part, frozen=True):
    """One configured account of a connector."""

    name: Name
    connector: Name
    settings: dict[str, str] = msgspec.field(default_factory=dict)
    """Values of the connector's settings. Secrets only as `${ENV_NAME}` or `file:/path`."""
    lookups: dict[str, dict[str, str]] = msgspec.field(default_factory=dict)
    """Code tables: our code → theirs; `*` is a table's default."""
    channel: ChannelCode | None = None
    """The channel whose orders it brings (shops)."""
    drop: DropRules = DropRules()
    """How its drop folder tells a file that is whole from one that is being written."""
    requests_per_s: float | None = None
    """Lower the connector's own limit, e.g. for a small server."""
    concurrency: int | None = None
    enabled: bool = True


class FlowKind(StrEnum):
    """What an outbound flow carries. Each is derived from facts (see the flows page)."""

    SALE = "sale.post"
    SHIPMENT = "shipment.post"
    INVOICE = "invoice.post"
    SALE_CANCEL = "sale.cancel"
    JOURNAL = "journal.post"
    GOODS_ISSUE = "goods_issue.post"
    TRANSFER = "transfer.post"
    COUNT = "count.post"
    STOCK = "stock.publish"
    FULFILMENT = "fulfilment.report"
    ORDER_CANCEL = "order.cancel"


class Flow(Part, frozen=True):
    """One kind of intent sent through one connection."""

    kind: FlowKind
    connection: Name
    channels: tuple[ChannelCode, ...] = ()
    """Only orders of these channels; empty means all."""
    attempts_max: int = 12
    """Tries that failed for certain (not sent, throttled do not count) before the intent is parked."""
    backoff_s: float = 1.0
    """First wait; doubles with full jitter up to backoff_max_s."""
    backoff_max_s: float = 300.0
    priority: int = 100
    """Lower goes first on the same connection."""


class TillPosting(Part, frozen=True):
    """How a store's day becomes one journal. Values are posting keys; the ERP's lookup `account` maps them."""

    tender_prefix: Code = "tender"
    """Debit key of a tender: `tender.cash`."""
    revenue_prefix: Code = "revenue"
    """Credit key of net sales per tax code: `revenue.standard`."""
    tax_prefix: Code = "tax"
    """Credit key of tax per tax code: `tax.standard`."""
    rounding: Code = "rounding"
    """Key for cash rounding."""
    over_short: Code = "over_short"
    """Key for differences between a receipt's lines and its tenders."""
    currencies: tuple[Code, ...] = ()
    """Currencies that journals are made in besides the company's: only what the ERP's books take. Money in any other one
    is kept, told (`currency_foreign`) and left out of the journals until it stands here."""


class Ownership(Part, frozen=True):
    """Who works on exceptions, and how long they may take. The last rule that matches wins."""

    owner: Name
    type: Text = "*"
    """Exception type, or `*`."""
    within: Duration = "4h"
    """How long they may take."""


class Policies(Part, frozen=True):
    """Numbers that hold for the whole retailer."""

    parent_wait: Duration = "2h"
    """How long a message waits for its parent (an update for its order) before a person is asked."""
    receipt_gap_after: Annotated[str, msgspec.Meta(pattern=r"^\d+[mhd]$")] = "2h"
    """How long a number may be missing after a till's next receipt has come, before a person is asked; at the latest when
    the day is closed."""
    till_silent_after: Annotated[str, msgspec.Meta(pattern=r"^\d+[mhd]$")] = "1h"
    """How long a till must have sent nothing at least before a person is asked, in a time in which it usually sends."""
    count_correct_max: Decimal = Decimal(5)
    """A system of record may correct on-hand by itself up to this many units; beyond, a person is asked."""
    backorder_wait: Duration = "1d"
    """How long an order of a channel with `backorder: true` may wait without goods or a day before a person is asked."""


class Company(Part, frozen=True):
    """The legal entity."""

    name: Text
    currency: Code
    zone: Zone = "UTC"


class PoolOf(NamedTuple):
    """A pool as the promise sees it: locations, best first."""

    code: Code
    locations: tuple[LocationCode, ...]


class Estate(Part, frozen=True):
    """The whole retailer. Files are merged: lists are joined, `company` and `policies` may stand once."""

    company: Company
    locations: tuple[Location, ...] = ()
    channels: tuple[Channel, ...] = ()
    connections: tuple[ConnectionConfig, ...] = ()
    flows: tuple[Flow, ...] = ()
    location_groups: tuple[LocationGroup, ...] = ()
    pools: tuple[Pool, ...] = ()
    safety_stock: tuple[SafetyStock, ...] = ()
    channel_buffers: tuple[ChannelBuffer, ...] = ()
    segments: tuple[Segment, ...] = ()
    backorder_limits: tuple[BackorderLimit, ...] = ()
    staleness: tuple[Staleness, ...] = ()
    publish_limits: tuple[PublishLimit, ...] = ()
    stop_sell: tuple[StopSell, ...] = ()
    ownership: tuple[Ownership, ...] = ()
    till_posting: TillPosting = TillPosting()
    policies: Policies = Policies()

    def channel(self, code: str) -> Channel | None:
        """The channel of that code."""
        return next((channel for channel in self.channels if channel.code == code), None)

    def location(self, code: str) -> Location | None:
        """The location of that code."""
        return next((location for location in self.locations if location.code == code), None)

    def connection(self, name: str) -> ConnectionConfig | None:
        """The connection of that name."""
        return next((connection for connection in self.connections if connection.name == name), None)

    def pool_of(self, channel: Channel) -> PoolOf:
        """The pool that serves a channel; a channel that lists its locations has one of its own name."""
        if isinstance(channel.pool, str):
            members = next((pool.members for pool in self.pools if pool.code == channel.pool), ())
            return PoolOf(channel.pool, self.locations_of(members))
        return PoolOf(channel.code, self.locations_of(channel.pool))

    def locations_of(self, members: Iterable[Code]) -> tuple[LocationCode, ...]:
        """Locations, and those of groups in the place where the group stands; each once."""
        groups = {group.code: group.members for group in self.location_groups}
        return tuple(dict.fromkeys(_flattened(members, groups, ())))

    @property
    def promise_rules(self) -> tuple[PromiseRule, ...]:
        """Every rule of the promise, list by list."""
        return (
            *self.safety_stock, *self.channel_buffers, *self.segments, *self.backorder_limits, *self.staleness,
            *self.publish_limits, *self.stop_sell,
        )  # fmt: skip

    def books_in(self, currency: str) -> bool:
        """Are journals made in that currency?"""
        return currency == self.company.currency or currency in self.till_posting.currencies

    def flows_of(self, kind: FlowKind) -> tuple[Flow, ...]:
        """The flows that carry *kind*."""
        return tuple(flow for flow in self.flows if flow.kind is kind)


def _flattened(
    members: Iterable[Code], groups: Mapping[Code, tuple[Code, ...]], inside: tuple[Code, ...]
) -> Iterator[LocationCode]:
    """A group inside itself adds nothing."""
    for code in members:
        if code not in groups:
            yield LocationCode(code)
        elif code not in inside:
            yield from _flattened(groups[code], groups, (*inside, code))


def duration(text: str) -> timedelta:
    """`30m`, `4h` or `2d` as a time span."""
    unit = {"m": "minutes", "h": "hours", "d": "days"}[text[-1]]
    return timedelta(**{unit: int(text[:-1])})


def connection_name(name: str) -> ConnectionName:
    """A connection's name, typed."""
    return ConnectionName(name)


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """An applied version of the estate."""

    number: int
    digest: str
    note: str
    applied_at: datetime


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A version as it lies in the database: it may be another release's, with fields that this one does not know."""

    number: int
    document: object
