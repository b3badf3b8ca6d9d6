"""GET /v1/availability, POST /v1/availability/query, GET /v1/availability/explain: what may be sold, and why."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final
from urllib.parse import parse_qs

import msgspec
from litestar import Request as HttpRequest
from litestar import get
from litestar.datastructures import State
from litestar.params import FromQuery

from crossdock.assembly.hub import Hub
from crossdock.availability import service as availability
from crossdock.availability.model import Availability, LocationTerm, Rule, Told
from crossdock.canonical.base import ChannelCode, Code, Sku
from crossdock.canonical.orders import Mode
from crossdock.gateway.asgi import Answer, Request, decode
from crossdock.gateway.front import HotRoute
from crossdock.gateway.keys import Scope
from crossdock.gateway.parts import caller_of, check_moment_asked, parts_of, wrong
from crossdock.gateway.problems import Problem
from crossdock.gateway.reservations import reservation_key
from crossdock.gateway.retailer import RetailerView
from crossdock.gateway.sellable import Sellable, SellableItem, whole_seconds

BODY_MAX: Final = 512 * 1024
SKUS_MAX: Final = 5000
URL_SKUS_MAX: Final = 100


class AvailabilityQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may each of these SKUs be sold for on a channel now?"""

    channel: Code
    skus: Annotated[list[Code], msgspec.Meta(min_length=1, max_length=SKUS_MAX)]
    mode: Mode = Mode.SHIP
    without_hold: Code | None = None
    """A reservation of the caller's that shall not count: the cart that is asking."""


class AvailabilityAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """In the order of the question, all as of one moment."""

    channel: str
    mode: str
    as_of: datetime
    age_ms: int
    """Everything that was committed longer ago than this is in the numbers; what this gateway answered is always."""
    items: list[SellableItem]


class _Written(msgspec.Struct, frozen=True, kw_only=True):
    """The same with items that are written already."""

    channel: str
    mode: str
    as_of: datetime
    age_ms: int
    items: Sequence[msgspec.Raw]


_QUERY: Final = msgspec.json.Decoder(AvailabilityQuery)
_ENCODE: Final = msgspec.json.Encoder().encode


_FIELD: Final = re.compile(r"(?<=`)\w+")
"""The parameter that a message of the decoder is about."""
_SKUS: Final[Mapping[str, object]] = {
    "name": "sku",
    "in": "query",
    "required": True,
    "schema": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": URL_SKUS_MAX},
}
_CHANNEL: Final[Mapping[str, object]] = {
    "name": "channel",
    "in": "query",
    "required": True,
    "schema": {"type": "string"},
}
_MODE: Final[Mapping[str, object]] = {
    "name": "mode",
    "in": "query",
    "required": False,
    "schema": {"type": "string", "enum": [mode.value for mode in Mode], "default": Mode.SHIP.value},
}


class AvailabilityDesk:
    """Answers for one SKU and for many."""

    def __init__(self, hub: Hub, retailer: RetailerView, sellable: Sellable) -> None:
        self._hub = hub
        self._retailer = retailer
        self._sellable = sellable

    def routes(self) -> tuple[HotRoute, ...]:
        """What it serves."""
        return (
            HotRoute(
                method="GET",
                path="/v1/availability",
                summary=f"What may be sold of up to {URL_SKUS_MAX} SKUs on a channel",
                scope=Scope.STOCK_READ,
                body_max=0,
                request=None,
                answers={200: AvailabilityAnswer},
                handle=self.look_up,
                idempotent=False,
                parameters=(_SKUS, _CHANNEL, _MODE),
            ),
            HotRoute(
                method="POST",
                path="/v1/availability/query",
                summary="What may be sold of up to 5000 SKUs on a channel",
                scope=Scope.STOCK_READ,
                body_max=BODY_MAX,
                request=AvailabilityQuery,
                answers={200: AvailabilityAnswer},
                handle=self.query,
                idempotent=False,
            ),
        )

    async def look_up(self, request: Request) -> Answer:
        """The same as the query for a few items (`sku` may be repeated): mostly from memory, its age stated."""
        return await self._answer(request, asked_of(request.query))

    async def query(self, request: Request) -> Answer:
        """A read: it promises nothing. A reservation does."""
        return await self._answer(request, decode(request.body, _QUERY))

    async def _answer(self, request: Request, asked: AvailabilityQuery) -> Answer:
        request.caller.check_channel(asked.channel)
        retailer = await self._retailer.get()
        retailer.channel(asked.channel, "$.channel" if request.body else "?channel")
        now = self._hub.clock.now()
        channel = ChannelCode(asked.channel)
        skus = [Sku(sku) for sku in asked.skus]
        if asked.without_hold is None:
            items, age_s = await self._sellable.items(retailer.estate, (channel, asked.mode), skus)
        else:
            hold = reservation_key(request.caller, asked.without_hold)
            items, age_s = await self._sellable.items_without(hold, retailer.estate, (channel, asked.mode), skus)
        written = _Written(
            channel=asked.channel, mode=asked.mode.value, as_of=now, age_ms=int(age_s * 1000) + 1, items=items
        )
        return Answer(status=200, body=_ENCODE(written), headers={"Age": str(whole_seconds(age_s))})


def asked_of(query: bytes) -> AvailabilityQuery:
    """The question behind a URL's question mark."""
    try:
        told = parse_qs(query.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=SKUS_MAX)
        skus = told.pop("sku", [])
        fields = {name: values[0] if len(values) == 1 else values for name, values in told.items()}
        asked = msgspec.convert({**fields, "skus": skus}, AvailabilityQuery)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$.")
        named = _FIELD.search(f"`{path}" if path else reason)
        raise wrong("sku" if named is None or named[0] == "skus" else named[0], reason) from None
    except ValueError as error:
        raise Problem("invalid", f"the query cannot be read: {error}") from None
    if len(skus) > URL_SKUS_MAX:
        raise wrong("sku", f"at most {URL_SKUS_MAX} at a time: POST /v1/availability/query takes {SKUS_MAX}")
    if any("\x00" in sku for sku in skus):
        raise wrong("sku", "must not hold the character U+0000")
    return asked


# --------------------------------------------------------------------------------------------------------- explaining


class RuleView(msgspec.Struct, frozen=True, kw_only=True):
    """The estate's rule that decided."""

    list: str
    index: int
    quantity: Decimal


class TermView(msgspec.Struct, frozen=True, kw_only=True):
    """One location's part: `atp = max(0, available - safety_stock - staleness_allowance)`, 0 when it may not serve."""

    location: str
    eligible: bool
    on_hand: Decimal
    unavailable: dict[str, Decimal]
    held: Decimal
    allocated: Decimal
    available: Decimal
    short: Decimal
    backordered: Decimal
    safety_stock: Decimal
    safety_rule: RuleView | None
    staleness_allowance: Decimal
    atp: Decimal
    reason: str | None
    changed_at: datetime | None
    happened_at: datetime | None
    version: int


class ToldView(msgspec.Struct, frozen=True, kw_only=True):
    """What the channel should have shown at that moment, and what it had last confirmed."""

    announced: Decimal | None
    announced_at: datetime | None
    confirmed: Decimal | None
    confirmed_at: datetime | None


class ExplanationView(msgspec.Struct, frozen=True, kw_only=True):
    """A number with every term that made it.

    `pool = max(0, Σ atp + incoming - unplaced)`, `free = max(0, pool - kept)`,
    `physical = max(0, min(pool, own_segment + free) - channel_buffer)`, `sellable = physical + backorder`.
    """

    sku: str
    channel: str
    mode: str
    as_of: datetime
    tracked: bool
    locations: list[TermView]
    incoming: Decimal
    unplaced: Decimal
    pool: Decimal
    own_segment: Decimal
    kept: Decimal
    free: Decimal
    channel_buffer: Decimal
    buffer_rule: RuleView | None
    physical: Decimal
    backorder: Decimal
    sellable: Decimal
    publish_max: Decimal | None
    published: Decimal | None
    reasons: list[str]
    told: ToldView


@get("/v1/availability/explain", summary="One number, term by term", opt={"scope": Scope.STOCK_READ})
async def explain(
    request: "HttpRequest[Any, Any, State]",
    state: State,
    *,
    sku: FromQuery[str],
    channel: FromQuery[str],
    mode: FromQuery[Mode] = Mode.SHIP,
    as_of: FromQuery[datetime | None] = None,
) -> ExplanationView:
    """Now, or as it was known at a past moment (`as_of`, with a time zone)."""
    if not sku or "\x00" in sku:
        raise wrong("sku", "must name an item")
    check_moment_asked("as_of", as_of)
    caller_of(request).check_channel(channel)
    parts = parts_of(state)
    retailer = await parts.retailer.get()
    retailer.channel(channel, "?channel")
    async with parts.reads.transaction() as tx:
        found = await availability.explain(
            tx,
            retailer.estate,
            Sku(sku),
            ChannelCode(channel),
            now=parts.hub.clock.now(),
            as_of=as_of,
            mode=mode,
        )
    return _explained(found.availability, found.told)


def _explained(each: Availability, told: Told) -> ExplanationView:
    return ExplanationView(
        sku=each.sku,
        channel=each.channel,
        mode=each.mode.value,
        as_of=each.as_of,
        tracked=each.tracked,
        locations=_terms(each.locations),
        incoming=each.incoming,
        unplaced=each.unplaced,
        pool=each.pool,
        own_segment=each.own_segment,
        kept=each.kept,
        free=each.free,
        channel_buffer=each.channel_buffer,
        buffer_rule=_rule(each.buffer_rule),
        physical=each.physical,
        backorder=each.backorder,
        sellable=each.sellable,
        publish_max=each.publish_max,
        published=each.published,
        reasons=[reason.value for reason in each.reasons],
        told=ToldView(
            announced=None if told.announced is None else told.announced.quantity,
            announced_at=None if told.announced is None else told.announced.decided_at,
            confirmed=None if told.confirmed is None else told.confirmed.quantity,
            confirmed_at=None if told.confirmed is None else told.confirmed.confirmed_at,
        ),
    )


def _terms(terms: Sequence[LocationTerm]) -> list[TermView]:
    return [
        TermView(
            location=term.location,
            eligible=term.eligible,
            on_hand=term.on_hand,
            unavailable=dict(term.unavailable),
            held=term.held,
            allocated=term.allocated,
            available=term.available,
            short=term.short,
            backordered=term.backordered,
            safety_stock=term.safety_stock,
            safety_rule=_rule(term.safety_rule),
            staleness_allowance=term.staleness_allowance,
            atp=term.atp,
            reason=None if term.reason is None else term.reason.value,
            changed_at=term.changed_at,
            happened_at=term.happened_at,
            version=term.version,
        )
        for term in terms
    ]


def _rule(rule: Rule | None) -> RuleView | None:
    return None if rule is None else RuleView(list=rule.list, index=rule.index, quantity=rule.quantity)
