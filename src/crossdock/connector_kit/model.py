"""The declaration of a connector, and what passes between it and the hub."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from crossdock.canonical.base import ConnectionName, Document
from crossdock.canonical.intents import IntentDocument
from crossdock.canonical.orders import Person
from crossdock.connector_kit.endings import any_ending
from crossdock.connector_kit.record import Undecodable
from crossdock.connector_kit.session import Session

NO_TIME: Final = timedelta(0)
MARK_BYTES: Final = 10


def plain_mark(content: bytes) -> str:
    """A mark without a key, for decoders on their own."""
    return blake2b(content, digest_size=MARK_BYTES).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What `connection add` asks for. Secrets are kept by reference only (`${ENV}` or a file)."""

    name: str
    title: str
    help: str
    secret: bool = False
    default: str | None = None
    """None means required."""
    choices: tuple[str, ...] = ()
    refuse: Callable[[str], str] | None = None
    """Why a value cannot be used; empty when it can. Some stand in `connector_kit.setting`."""

    def wrong(self, value: str) -> str:
        """Why *value* cannot be this setting; empty when it can. An empty value is the default."""
        if self.choices and value not in self.choices:
            return f"must be one of {', '.join(self.choices)}"
        return self.refuse(value) if self.refuse is not None and value else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The connection's budget until the vendor reports its own at run time."""

    requests_per_s: float
    burst: int
    concurrency: int
    points_max: float | None = None
    """Size of the vendor's cost bucket, when it counts points."""
    points_per_s: float | None = None


# --- inbound -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A raw message as it lies in `inbound.message`, with what a decoder may know. No network, no database here."""

    connection: ConnectionName
    feed: str
    """Webhook topic, pull name or file-drop name."""
    body: bytes
    headers: Mapping[str, str]
    """Names in lower case."""
    received_at: datetime
    settings: Mapping[str, str]
    zones: Mapping[str, ZoneInfo] = field(default_factory=dict)
    """Time zone per location code, for tills that do not know theirs."""
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Lookups of the estate by table, theirs → ours (locations, tenders, taxes)."""
    matched: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Theirs → ours per kind of identity: what a record lacked when it was first read, and has by now."""
    channel: str = ""
    """The estate's channel whose orders this connection brings; empty when it brings none."""
    mark: Callable[[bytes], str] = plain_mark
    """A short text for any content, equal for equal content: for event ids. The hub's is keyed, so that it tells nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """One record of a message in our words."""

    document: Document
    key: str
    """Business key: records of one key are applied in order, e.g. `order/1042`."""
    event_id: str
    """The business event's id for deduplication (not the delivery's): the same event twice has the same id here."""
    waits_for: str = ""
    """Key of a parent that must exist first, e.g. `order/1042` for a cancellation; empty when there is none."""
    persons: tuple[Person, ...] = ()
    """People whom the message names beside its document (a receipt's loyalty customer): erasing them erases the message."""
    paths: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Where the document's places stand in the message, as far as that is known: `$.lines[].sku` → `$.line_items[].sku`.

    What the document's own checks refuse is then told to people by the words of its sender.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Damaged:
    """One record of a message that cannot be read; its neighbours go on."""

    error: Undecodable
    key: str = ""
    """The business key as far as it could be read, so that later records of it wait their turn."""
    raw: bytes = b""
    """The record alone, when it can be cut out: shown to people, decoded again after a fix."""


Decoder: TypeAlias = Callable[[Received], Iterable[Decoded | Damaged]]
"""Pure. Raises Undecodable when nothing of the message can be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One topic that the vendor sends."""

    topic: str
    decode: Decoder


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhooks:
    """How webhooks of this vendor arrive."""

    topics: tuple[Webhook, ...]
    topic_of: Callable[[Mapping[str, str]], str]
    """The topic from the headers (lower-case names)."""
    verify: Callable[[bytes, Mapping[str, str], Mapping[str, str]], bool]
    """(raw body, headers, settings) → is it signed by the vendor? Constant time; several secrets during rotation."""
    register: Callable[[Session, str], Awaitable[None]] | None = None
    """(session, our public URL): make the vendor send its webhooks there; repeatable."""
    body_max: int = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer of a pull: stored raw, decoded afterwards."""

    body: bytes
    cursor: str
    """Where the next page, or the next run, begins."""
    more: bool
    """Another page follows at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """A feed that the hub polls. `fetch` asks for one page from *cursor* ("" at the first run)."""

    name: str
    fetch: Callable[[Session, str], Awaitable[Page]]
    decode: Decoder
    every: timedelta
    overlap: timedelta
    """How far each run reaches back behind its cursor: late commits and clock skew. Applied by `fetch`."""
    silent_after: timedelta | None = None
    """A feed without any record for this long is an exception; None where silence is normal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDrop:
    """Files put into the connection's drop folder, taken once they are known to be whole (the estate's `drop`)."""

    name: str
    pattern: str
    """Glob on the file name, e.g. `*.xml`."""
    decode: Decoder
    marker: str = ""
    """Suffix of a marker file that must exist first (`.complete`); empty when none is needed."""
    ends: Callable[[bytes], bool] = any_ending
    """Is the file's end there, as far as one can tell? One without it is left alone for longer. See `endings`."""
    size_max: int = 64 * 1024 * 1024


# --- outbound ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """The target has it, and this is its document's id. `news` are facts learnt on the way (a shipment done)."""

    document_id: str
    number: str = ""
    news: tuple[Document, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The target answered no, for good. `path` names the field in our document where known."""

    reason: str
    path: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """Compare-and-set failed: the target holds *current*. The hub looks for what it has not seen yet, then decides anew."""

    current: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """A probe looked and the document is not there."""


Outcome: TypeAlias = Landed | Refused | Stale
Found: TypeAlias = Landed | Absent


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """How one kind of intent is carried out.

    `run` raises CallFailed with a verdict for foreign failures, LookupMissing or Unmatched for ours. After UNKNOWN the
    hub waits `settle` and calls `probe`; without a probe such an intent goes to a person.
    """

    kind: str
    """Tag of the intent document, e.g. `sale.post`."""
    run: Callable[[Session, Sequence[IntentDocument]], Awaitable[Sequence[Outcome]]]
    """One outcome per document, in order. Gets one document at a time unless batch_max allows more."""
    probe: Callable[[Session, IntentDocument], Awaitable[Found]] | None = None
    settle: timedelta = NO_TIME
    batch_max: int = 1
    serial: bool = False
    """Never two at a time on this connection (document numbers under a lock, look-up-then-create)."""
    state: bool = False
    """A state intent: a newer one of the same subject replaces a waiting one, and sending twice does no harm."""
    points: float = 1.0
    """Cost against the vendor's bucket, when it counts points."""


# --- people --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of a check: what was looked at, whether it is as it should be, what to do otherwise."""

    subject: str
    ok: bool
    text: str
    todo: str = ""
    later: bool = False
    """Not ok, and yet the connection works without it: no reason not to add it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Theirs:
    """An object of the other system that `match` may link to one of ours."""

    kind: str
    """sku, location, customer"""
    id: str
    code: str = ""
    name: str = ""
    barcodes: tuple[str, ...] = ()


class Role(StrEnum):
    """What a connected system is to the retailer."""

    ERP = "erp"
    SHOP = "shop"
    TILLS = "tills"
    WAREHOUSE = "warehouse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A first load: pages of canonical documents from the other system; resumable from any page's cursor."""

    name: str
    """items, stock, orders"""
    fetch: Callable[[Session, str], Awaitable[Page]]
    decode: Decoder


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """Everything the hub knows of a vendor."""

    name: str
    title: str
    role: Role
    summary: str
    """What it covers, one sentence; shown in the docs table."""
    settings: tuple[Setting, ...]
    limits: Limits
    check: Callable[[Session], AsyncIterator[Finding]] | None = None
    """Looks at the live account: credentials, scopes, configuration."""
    webhooks: Webhooks | None = None
    pulls: tuple[Pull, ...] = ()
    drops: tuple[FileDrop, ...] = ()
    uploads: tuple[FileDrop, ...] = ()
    """Bodies that partners post to the connection's upload route, by content type in `pattern`."""
    sends: tuple[Send, ...] = ()
    loads: tuple[Load, ...] = ()
    directory: Callable[[Session, str], AsyncIterator[Theirs]] | None = None
    """(session, kind): their items, locations or customers, for matching."""
    lookups: tuple[str, ...] = ()
    """Estate tables that this connector asks for, e.g. tax, tender, account."""

    def send(self, kind: str) -> Send | None:
        """How *kind* is carried out here; None when it is not."""
        return next((send for send in self.sends if send.kind == kind), None)
