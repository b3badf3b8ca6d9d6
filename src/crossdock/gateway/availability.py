"""POST /v1/availability/query and GET /v1/availability/explain: what may be sold, and why."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final

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
from crossdock.gateway.reservations import reservation_key
from crossdock.gateway.retailer import RetailerView
from crossdock.gateway.shedding import Reads

BODY_MAX: Final = 512 * 1024
SKUS_MAX: Final = 5000


class AvailabilityQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may each of these SKUs be sold for on a channel now?"""

    channel: Code
    skus: Annotated[list[Code], msgspec.Meta(min_length=1, max_length=SKUS_MAX)]
    mode: Mode = Mode.SHIP
    without_hold: Code | None = None
    """A reservation of the caller's that shall not count: the cart that is asking."""


class SellableItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One SKU's number."""

    sku: str
    sellable: Decimal
    tracked: bool = True
    """False: the item has no number, it may be sold without one."""
    reasons: list[str] = []
    """Why the number is zero."""


class AvailabilityAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """In the order of the question, all as of one moment."""

    channel: str
    mode: str
    as_of: datetime
    items: list[SellableItem]


_QUERY: Final = msgspec.json.Decoder(AvailabilityQuery)
_ENCODE: Final = msgspec.json.Encoder().encode


class AvailabilityDesk:
    """Answers for many SKUs at once."""

    def __init__(self, hub: Hub, retailer: RetailerView, reads: Reads) -> None:
        self._hub = hub
        self._retailer = retailer
        self._reads = reads

    def routes(self) -> tuple[HotRoute, ...]:
        """What it serves."""
        return (
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

    async def query(self, request: Request) -> Answer:
        """A read: it promises nothing. A reservation does."""
        asked = decode(request.body, _QUERY)
        request.caller.check_channel(asked.channel)
        retailer = await self._retailer.get()
        retailer.channel(asked.channel, "$.channel")
        now = self._hub.clock.now()
        channel = ChannelCode(asked.channel)
        hold = None if asked.without_hold is None else reservation_key(request.caller, asked.without_hold)
        async with self._reads.transaction() as tx:
            found = await availability.query(
                tx,
                retailer.estate,
                [(Sku(sku), channel) for sku in asked.skus],
                now=now,
                mode=asked.mode,
                without_hold=hold,
            )
        answer = AvailabilityAnswer(
            channel=asked.channel, mode=asked.mode.value, as_of=now, items=[_item(each) for each in found]
        )
        return Answer(status=200, body=_ENCODE(answer))


def _item(each: Availability) -> SellableItem:
    return SellableItem(
        sku=each.sku,
        sellable=each.sellable,
        tracked=each.tracked,
        reasons=[reason.value for reason in each.reasons] if each.sellable == 0 else [],
    )


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
