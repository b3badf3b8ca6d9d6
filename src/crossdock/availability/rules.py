"""What a channel may sell of an item, term by term. Pure: the estate and a scene in, terms out."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from crossdock.availability.formulas import rules as formulas
from crossdock.availability.locations import rules as locations
from crossdock.availability.model import (
    ZERO,
    Arrival,
    Availability,
    Cause,
    ComponentTerm,
    Reason,
    Rule,
    SegmentTerm,
)
from crossdock.availability.policy.rules import Policy
from crossdock.availability.pools import rules as pools
from crossdock.availability.publishing import rules as publishing
from crossdock.availability.questions import rules as questions
from crossdock.availability.questions.rules import Question
from crossdock.availability.scene.model import Expected, Scene
from crossdock.availability.switches.rules import Stops
from crossdock.canonical.base import ChannelCode, Sku
from crossdock.canonical.orders import Mode

A_MOMENT: Final = timedelta(microseconds=1)
"""Goods are overdue when their time has passed."""
SOON: Final = timedelta(seconds=1)
"""How long a number stands that orders lower which are placed, or not wanted any more, at any moment."""
A_WHILE: Final = timedelta(minutes=1)
"""How long a number stands that shrinks with every minute of silence."""


def evaluate(
    policy: Policy,
    scene: Scene,
    sku: Sku,
    channel_code: ChannelCode,
    *,
    mode: Mode,
    by: datetime | None = None,
) -> Availability:
    """The whole answer for an item on a channel; *by*: for goods that are needed then, within the channel's horizon."""
    channel = policy.channels.get(channel_code)
    if channel is None:
        return Availability(
            sku=sku, channel=channel_code, mode=mode, as_of=scene.as_of, published=ZERO,
            causes=(Cause(Reason.UNKNOWN_CHANNEL),),
        )  # fmt: skip
    traits = scene.traits_of(sku)
    asked = questions.question(policy, scene, channel, sku, mode)._replace(by=by)
    if traits.parts is not None:
        return _kit(asked, traits.parts)
    if not traits.tracked:
        return _untracked(asked)
    return _counted(asked, Stops.of(policy, scene, [asked.subject]))


def _counted(asked: Question, stops: Stops) -> Availability:
    subject = asked.subject
    terms = locations.terms(asked, stops)
    serving = [term for term in terms if term.eligible]
    places = [term.location for term in serving]
    incoming, receipts, dated = pools.coming(asked, places)
    waiting = pools.unplaced(asked)
    units = formulas.pool((term.atp for term in terms), incoming, waiting)
    listed = pools.shares(asked, sum((term.base for term in serving), ZERO), places)
    keeps = formulas.kept([share for _, _, share in listed], units)
    own = sum((keep for (owner, _, _), keep in zip(listed, keeps, strict=True) if owner == subject.channel), ZERO)
    free = formulas.free(units, keeps)
    buffer, buffer_rule = pools.buffer_of(asked)
    in_hand = formulas.physical(units, own, free, buffer)
    limit, limit_rule = pools.backorder_limit(asked) if serving else (ZERO, None)
    owed = sum((term.backordered for term in serving), ZERO), sum((term.short for term in serving), ZERO)
    without_goods = formulas.backorder(limit, *owed)
    limits = publishing.limits(asked, in_hand + without_goods)
    answer = Availability(
        sku=subject.sku,
        channel=subject.channel,
        mode=subject.mode,
        as_of=asked.now,
        locations=terms,
        arrivals=tuple(_arrivals(receipts, dated, asked.now)),
        incoming=incoming,
        incoming_until=questions.horizon_end(asked),
        unplaced=waiting,
        pool=units,
        segments=tuple(
            SegmentTerm(
                channel=owner, rule=Rule("segments", found.index, share.size), size=share.size, used=share.used,
                remaining=keep,
            )
            for (owner, found, share), keep in zip(listed, keeps, strict=True)
        ),
        own_segment=own,
        kept=sum(keeps, ZERO),
        free=free,
        channel_buffer=buffer,
        buffer_rule=buffer_rule,
        physical=in_hand,
        backorder_limit=limit,
        backorder_rule=limit_rule,
        backorder=without_goods,
        sellable=in_hand + without_goods,
        publish_min=limits.least,
        publish_min_rule=limits.least_rule,
        publish_max=limits.most,
        publish_max_rule=limits.most_rule,
        published=limits.told,
    )  # fmt: skip
    return publishing.reasoned(answer)


def _arrivals(receipts: Iterable[Expected], dated: Iterable[Expected], now: datetime) -> Iterator[Arrival]:
    expected = [
        *(
            Arrival(location=at, due_at=due_at, quantity=units, overdue=due_at < now, reference=reference)
            for at, due_at, units, reference in receipts
        ),
        *(Arrival(location=each.location, due_at=each.due_at, quantity=-each.quantity) for each in dated),
    ]
    return iter(sorted(expected, key=lambda each: (each.due_at, each.location, -each.quantity)))


# ------------------------------------------------------------------------------------------------ kits and the untold


def _untracked(asked: Question) -> Availability:
    """No number is counted; the channel is told its maximum, if it has one."""
    most, rule = publishing.maximum(asked)
    stopped = Stops.of(asked.policy, asked.scene, [asked.subject]).anywhere()
    return Availability(
        sku=asked.subject.sku,
        channel=asked.subject.channel,
        mode=asked.subject.mode,
        as_of=asked.now,
        tracked=False,
        publish_max=most,
        publish_max_rule=rule,
        published=most if stopped is None else ZERO,
        causes=() if stopped is None else (stopped,),
    )


def _kit(asked: Question, parts: Mapping[Sku, Decimal]) -> Availability:
    """As many whole kits as every component is enough for. Components that nobody counts are always enough."""
    counted = [(quantity, asked.about(sku)) for sku, quantity in parts.items() if asked.scene.traits_of(sku).tracked]
    if parts and not counted:
        return _untracked(asked)
    terms = [
        ComponentTerm(quantity, _counted(part, Stops.of(asked.policy, asked.scene, [part.subject, asked.subject])))
        for quantity, part in counted
    ]
    buffer, buffer_rule = pools.buffer_of(asked)
    goods = min((formulas.kits(term.availability.physical, term.quantity) for term in terms), default=ZERO)
    in_all = min((formulas.kits(term.availability.sellable, term.quantity) for term in terms), default=ZERO)
    in_hand = max(ZERO, goods - buffer)
    limits = publishing.limits(asked, in_hand + in_all - goods)
    answer = Availability(
        sku=asked.subject.sku,
        channel=asked.subject.channel,
        mode=asked.subject.mode,
        as_of=asked.now,
        pool=goods,
        free=goods,
        channel_buffer=buffer,
        buffer_rule=buffer_rule,
        physical=in_hand,
        backorder=in_all - goods,
        sellable=in_hand + in_all - goods,
        publish_min=limits.least,
        publish_min_rule=limits.least_rule,
        publish_max=limits.most,
        publish_max_rule=limits.most_rule,
        published=limits.told,
        kit=True,
        components=tuple(terms),
    )
    told = publishing.reasoned(answer)
    stopped = Stops.of(asked.policy, asked.scene, [asked.subject]).anywhere()
    return told if stopped is None else replace(told, causes=(stopped,))


def counted(answer: Availability) -> Iterator[Availability]:
    """The item itself, or what a kit is made of."""
    if not answer.kit:
        yield answer
    for component in answer.components:
        yield component.availability


def lapsing(answer: Availability) -> Iterator[Sku]:
    """The items of which a hold may lapse that lowers the number."""
    for part in counted(answer):
        if any(term.held or term.dated or term.backordered for term in part.locations):
            yield part.sku


def stands_until(answer: Availability, lapses: Mapping[Sku, datetime], turn: datetime | None) -> datetime | None:
    """When time alone changes a number: the next lapse of a hold, the next *turn* of a rule, the next thing expected."""
    ends = [] if turn is None else [turn]
    for part in counted(answer):
        ends += [lapses[part.sku]] if part.sku in lapses else []
        ends += [answer.as_of + A_WHILE] if any(term.staleness_rule is not None for term in part.locations) else []
        ends += [answer.as_of + SOON] if part.unplaced else []
        reach = timedelta(0) if part.incoming_until is None else part.incoming_until - answer.as_of
        for arrival in part.arrivals:
            ends += [end for end in (arrival.due_at - reach, arrival.due_at + A_MOMENT) if end > answer.as_of]
    return min(ends, default=None)
