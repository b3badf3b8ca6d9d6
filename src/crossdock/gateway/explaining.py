"""GET /v1/availability/explain: one number, every term of it, and what made each what it is."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from litestar import Request, get
from litestar.datastructures import State
from litestar.params import FromQuery

from crossdock.availability import service as availability
from crossdock.availability.model import Availability, Cause, Explanation, LocationTerm, Rule, Told
from crossdock.canonical.base import ChannelCode, Sku
from crossdock.canonical.orders import Mode
from crossdock.gateway.keys import Scope
from crossdock.gateway.parts import caller_of, check_moment_asked, parts_of, wrong
from crossdock.gateway.switches import SwitchView, shown
from crossdock.inventory.causes.model import SetBy


class RuleView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The estate's rule that decided."""

    list: str
    index: int
    """Its place in the list, from 0."""
    quantity: Decimal | None = None
    place: str = ""
    """File and line in the applied version of the estate, where that is known."""


class CauseView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why something is zero, and what made it so."""

    reason: str
    location: str = ""
    rule: RuleView | None = None
    switch: str = ""
    sku: str = ""
    """The component that a kit lacks."""


class LedgerView(msgspec.Struct, frozen=True, kw_only=True):
    """The row of the ledger that last changed a balance."""

    movement: str
    kind: str
    quantity: Decimal
    key: str
    reason: str
    source: str
    happened_at: datetime
    recorded_at: datetime


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
    on_order: Decimal
    in_transit: Decimal
    dated: Decimal
    safety_stock: Decimal
    safety_rule: RuleView | None
    staleness_allowance: Decimal
    staleness_rule: RuleView | None
    heard_at: datetime | None
    """When the source of its stock that has been silent longest was last heard; where a staleness rule looks."""
    atp: Decimal
    reason: str | None
    cause: CauseView | None
    set_by: dict[str, LedgerView]
    """By balance (`on_hand`, `held`, `on_order`, a bucket…): what last changed it. Balances of zero are left out."""
    changed_at: datetime | None
    happened_at: datetime | None
    version: int


class SegmentView(msgspec.Struct, frozen=True, kw_only=True):
    """What the pool keeps for a channel: `remaining = max(0, size - used)`, less what its rule gives back by stock."""

    channel: str
    rule: RuleView
    size: Decimal
    used: Decimal
    remaining: Decimal


class ArrivalView(msgspec.Struct, frozen=True, kw_only=True):
    """Goods expected at a location; below zero, goods promised from there for a day. Overdue receipts do not count."""

    location: str
    due_at: datetime
    quantity: Decimal
    overdue: bool
    reference: str
    """Of goods: the supplier's document, or the transfer, that they come with."""


class ComponentView(msgspec.Struct, frozen=True, kw_only=True):
    """What a kit takes of an item, and that item's own terms."""

    quantity: Decimal
    terms: "TermsView"


class TermsView(msgspec.Struct, frozen=True, kw_only=True):
    """`pool = max(0, Σ atp + incoming - unplaced)`, `free = max(0, pool - kept)`,
    `physical = max(0, min(pool, own_segment + free) - channel_buffer)`, `sellable = physical + backorder`.

    Of a kit: the fewest times that what its components give contains what it takes of them.
    """

    sku: str
    tracked: bool
    kit: bool
    locations: list[TermView]
    arrivals: list[ArrivalView]
    incoming: Decimal
    """The lowest balance, from `incoming_until` on, of what comes and what is promised from it."""
    incoming_until: datetime | None
    unplaced: Decimal
    pool: Decimal
    segments: list[SegmentView]
    own_segment: Decimal
    kept: Decimal
    free: Decimal
    channel_buffer: Decimal
    buffer_rule: RuleView | None
    physical: Decimal
    backorder_limit: Decimal
    backorder_rule: RuleView | None
    backorder: Decimal
    sellable: Decimal
    publish_min: Decimal | None
    publish_min_rule: RuleView | None
    publish_max: Decimal | None
    publish_max_rule: RuleView | None
    published: Decimal | None
    components: list[ComponentView]
    reasons: list[str]
    causes: list[CauseView]


class ToldView(msgspec.Struct, frozen=True, kw_only=True):
    """What the channel should have shown at that moment, what it had last confirmed, and when it confirmed that number."""

    announced: Decimal | None
    announced_at: datetime | None
    announced_version: int | None
    confirmed: Decimal | None
    confirmed_at: datetime | None
    answered_at: datetime | None
    """When the channel confirmed the announced number or a newer one; that may have been later."""


class ExplanationView(msgspec.Struct, frozen=True, kw_only=True):
    """A number with every term that made it."""

    channel: str
    mode: str
    as_of: datetime
    estate_version: int
    """In force at that moment; 0: none was."""
    sku: str
    sellable: Decimal
    published: Decimal | None
    reasons: list[str]
    terms: TermsView
    switches: list[SwitchView]
    """Stops that hit it."""
    told: ToldView


@get(
    "/v1/availability/explain", summary="One number, term by term", opt={"scope": Scope.STOCK_READ, "of_channels": True}
)
async def explain(
    request: "Request[Any, Any, State]",
    state: State,
    *,
    sku: FromQuery[str],
    channel: FromQuery[str],
    mode: FromQuery[Mode] = Mode.SHIP,
    as_of: FromQuery[datetime | None] = None,
    by: FromQuery[datetime | None] = None,
) -> ExplanationView:
    """Now, or as it was known at a past moment (`as_of`), under the rules that were in force then."""
    if not sku or "\x00" in sku:
        raise wrong("sku", "must name an item")
    check_moment_asked("as_of", as_of)
    check_moment_asked("by", by)
    caller_of(request).check_channel(channel)
    parts = parts_of(state)
    retailer = await parts.retailer.get()
    if as_of is None:
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
            by=by,
        )
    return explained(found)


def explained(found: Explanation) -> ExplanationView:
    """As the API tells it."""
    each = found.availability
    return ExplanationView(
        channel=each.channel,
        mode=each.mode.value,
        as_of=each.as_of,
        estate_version=found.estate_version,
        sku=each.sku,
        sellable=each.sellable,
        published=each.published,
        reasons=[reason.value for reason in each.reasons],
        terms=_terms(each, found.set_by),
        switches=[shown(switch) for switch in found.switches],
        told=_told(found.told),
    )


def _terms(each: Availability, set_by: Sequence[SetBy]) -> TermsView:
    return TermsView(
        sku=each.sku,
        tracked=each.tracked,
        kit=each.kit,
        locations=[_location(term, _rows(set_by, each.sku, term.location)) for term in each.locations],
        arrivals=[
            ArrivalView(
                location=one.location,
                due_at=one.due_at,
                quantity=one.quantity,
                overdue=one.overdue,
                reference=one.reference,
            )
            for one in each.arrivals
        ],
        incoming=each.incoming,
        incoming_until=each.incoming_until,
        unplaced=each.unplaced,
        pool=each.pool,
        segments=[
            SegmentView(
                channel=one.channel, rule=_named(one.rule), size=one.size, used=one.used, remaining=one.remaining
            )
            for one in each.segments
        ],
        own_segment=each.own_segment,
        kept=each.kept,
        free=each.free,
        channel_buffer=each.channel_buffer,
        buffer_rule=_rule(each.buffer_rule),
        physical=each.physical,
        backorder_limit=each.backorder_limit,
        backorder_rule=_rule(each.backorder_rule),
        backorder=each.backorder,
        sellable=each.sellable,
        publish_min=each.publish_min,
        publish_min_rule=_rule(each.publish_min_rule),
        publish_max=each.publish_max,
        publish_max_rule=_rule(each.publish_max_rule),
        published=each.published,
        components=[
            ComponentView(quantity=one.quantity, terms=_terms(one.availability, set_by)) for one in each.components
        ],
        reasons=[reason.value for reason in each.reasons],
        causes=[_cause(cause) for cause in each.causes],
    )


def _rows(set_by: Iterable[SetBy], sku: str, location: str) -> Mapping[str, SetBy]:
    return {row.term: row for row in set_by if row.sku == sku and row.location == location}


def _location(term: LocationTerm, rows: Mapping[str, SetBy]) -> TermView:
    return TermView(
        location=term.location,
        eligible=term.eligible,
        on_hand=term.on_hand,
        unavailable=dict(term.unavailable),
        held=term.held,
        allocated=term.allocated,
        available=term.available,
        short=term.short,
        backordered=term.backordered,
        on_order=term.on_order,
        in_transit=term.in_transit,
        dated=term.dated,
        safety_stock=term.safety_stock,
        safety_rule=_rule(term.safety_rule),
        staleness_allowance=term.staleness_allowance,
        staleness_rule=_rule(term.staleness_rule),
        heard_at=term.heard_at,
        atp=term.atp,
        reason=None if term.reason is None else term.reason.value,
        cause=None if term.cause is None else _cause(term.cause),
        set_by={balance: _row(row) for balance, row in rows.items()},
        changed_at=term.changed_at,
        happened_at=term.happened_at,
        version=term.version,
    )


def _row(row: SetBy) -> LedgerView:
    return LedgerView(
        movement=str(row.movement),
        kind=row.kind,
        quantity=row.quantity,
        key=row.key,
        reason=row.reason,
        source=row.source,
        happened_at=row.happened_at,
        recorded_at=row.recorded_at,
    )


def _cause(cause: Cause) -> CauseView:
    return CauseView(
        reason=cause.reason.value,
        location=cause.location or "",
        rule=_rule(cause.rule),
        switch="" if cause.switch is None else str(cause.switch),
        sku=cause.sku or "",
    )


def _rule(rule: Rule | None) -> RuleView | None:
    return None if rule is None else _named(rule)


def _named(rule: Rule) -> RuleView:
    return RuleView(list=rule.list, index=rule.index, quantity=rule.quantity, place=rule.place)


def _told(told: Told) -> ToldView:
    return ToldView(
        announced=None if told.announced is None else told.announced.quantity,
        announced_at=None if told.announced is None else told.announced.decided_at,
        announced_version=None if told.announced is None else told.announced.version,
        confirmed=None if told.confirmed is None else told.confirmed.quantity,
        confirmed_at=None if told.confirmed is None else told.confirmed.confirmed_at,
        answered_at=None if told.answered is None else told.answered.confirmed_at,
    )
