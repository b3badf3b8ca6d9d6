"""The estate: everything about the retailer that people decide, as frozen data.

Field docstrings are the documentation: the JSON Schema that editors use and the reference page are made from them.
Rules are ordered lists and the last match wins.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

import msgspec

from crossdock.canonical.base import ChannelCode, Code, ConnectionName, LocationCode, Text
from crossdock.canonical.orders import Mode

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$")]
Zone = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_]+(/[A-Za-z0-9_+-]+)*$")]


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of everything in the estate: a misspelt field is an error with its line."""


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


class Channel(Part, frozen=True):
    """A place where we sell."""

    code: Code
    name: Text
    currency: Code
    connection: Name | None = None
    """The connection that brings its orders and takes its stock; none for channels that use our API."""
    pool: tuple[LocationCode, ...] = ()
    """Locations that serve it, best first."""
    split: bool = True
    """May one order be served from several locations?"""
    publish_max: Decimal | None = None
    """Never publish more than this many units of an item."""
    rounding_tolerance: Decimal = Decimal("0.05")
    """The largest difference between an order's total and its lines that is booked as rounding without a person."""
    hold_minutes: Annotated[int, msgspec.Meta(ge=1, le=525_600)] = 30
    """How long a hold from this channel lives without being extended."""
    hold_days_max: Annotated[int, msgspec.Meta(ge=1, le=365)] = 7
    """The farthest end, in days from now, that a hold from this channel may ask for, also when it is extended."""


class SafetyStock(Part, frozen=True):
    """Units kept back at a location. The last rule that matches wins; an absent field matches everything."""

    quantity: Decimal
    sku: Code | None = None
    category: Code | None = None
    location: LocationCode | None = None
    mode: Mode | None = None


class ChannelBuffer(Part, frozen=True):
    """Units hidden from a channel. The last rule that matches wins."""

    quantity: Decimal
    channel: ChannelCode | None = None
    sku: Code | None = None
    category: Code | None = None


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
    settings: dict[str, str] = {}
    """Values of the connector's settings. Secrets only as `${ENV_NAME}` or `file:/path`."""
    lookups: dict[str, dict[str, str]] = {}
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
    JOURNAL = "journal.post"
    GOODS_ISSUE = "goods_issue.post"
    TRANSFER = "transfer.post"
    COUNT = "count.post"
    STOCK = "stock.publish"
    FULFILMENT = "fulfilment.report"


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


class Ownership(Part, frozen=True):
    """Who works on exceptions, and how long they may take. The last rule that matches wins."""

    owner: Name
    type: Text = "*"
    """Exception type, or `*`."""
    within: Annotated[str, msgspec.Meta(pattern=r"^\d+[mhd]$")] = "4h"
    """30m, 4h, 2d."""


class Policies(Part, frozen=True):
    """Numbers that hold for the whole retailer."""

    parent_wait: Annotated[str, msgspec.Meta(pattern=r"^\d+[mhd]$")] = "2h"
    """How long a message waits for its parent (an update for its order) before a person is asked."""
    count_correct_max: Decimal = Decimal(5)
    """A system of record may correct on-hand by itself up to this many units; beyond, a person is asked."""


class Company(Part, frozen=True):
    """The legal entity."""

    name: Text
    currency: Code
    zone: Zone = "UTC"


class Estate(Part, frozen=True):
    """The whole retailer. Files are merged: lists are joined, `company` and `policies` may stand once."""

    company: Company
    locations: tuple[Location, ...] = ()
    channels: tuple[Channel, ...] = ()
    connections: tuple[ConnectionConfig, ...] = ()
    flows: tuple[Flow, ...] = ()
    safety_stock: tuple[SafetyStock, ...] = ()
    channel_buffers: tuple[ChannelBuffer, ...] = ()
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

    def flows_of(self, kind: FlowKind) -> tuple[Flow, ...]:
        """The flows that carry *kind*."""
        return tuple(flow for flow in self.flows if flow.kind is kind)


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
