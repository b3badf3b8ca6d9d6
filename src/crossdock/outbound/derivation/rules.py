"""Fact type → how intents are made. Pure: fact, estate and what is known of the order go in, planned intents come out."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

from crossdock.canonical import facts
from crossdock.canonical.base import Document
from crossdock.canonical.intents import (
    CancelSale,
    IntentDocument,
    PostCount,
    PostGoodsIssue,
    PostJournal,
    PostTransfer,
    ReportFulfilment,
)
from crossdock.estate.model import Estate, Flow, FlowKind
from crossdock.outbound.derivation.origins import OrderOrigin
from crossdock.outbound.model import Planned


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """A fact with what its intents depend on."""

    fact_id: UUID
    stream: str
    source: str
    happened_at: datetime
    origin: OrderOrigin | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """Intents whose reason is gone."""

    kinds: tuple[FlowKind, ...]
    business_key: str
    reason: str
    reference: str = ""
    """Only this one; empty means all of the key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One kind of intent that a fact asks for, before the flows say who carries it."""

    kind: FlowKind
    reference: str
    business_key: str
    subject: str
    document: Callable[[], IntentDocument] | None = None
    """None: it is built when it is sent, because it holds personal data or may change until then."""
    back_to_origin: bool = False
    """Only to the connection that brought the order."""
    undoes: FlowKind | None = None
    """Only where an intent of this kind was begun for the same key: otherwise there is nothing to undo."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What follows from one fact."""

    intents: tuple[Planned, ...] = ()
    withdrawals: tuple[Withdrawal, ...] = ()


NOTHING: Final = Plan()
FACT_DIGITS: Final = 12
"""Of the fact's id, from its random end."""
Wishes: TypeAlias = Iterator[Wish]


def plan(fact: Document, about: Circumstances, estate: Estate, built: Collection[str]) -> Plan:
    """The intents of *fact* per flow. Kinds in *built* get their document when they are sent.

    A connection is never told what it said itself: that echo would overwrite its own record.
    """
    withdrawals = tuple(_withdrawals(fact, about))
    wishes = tuple(wish for wish in _wishes(fact, about, estate))
    intents = tuple(
        _planned(wish, flow, built)
        for wish in wishes
        for flow in estate.flows_of(wish.kind)
        if flow.connection != about.source and _carries(flow, wish, about.origin)
    )
    return Plan(intents=intents, withdrawals=withdrawals) if intents or withdrawals else NOTHING


def _carries(flow: Flow, wish: Wish, origin: OrderOrigin | None) -> bool:
    if wish.back_to_origin and (origin is None or origin.connection != flow.connection):
        return False
    return not flow.channels or origin is None or origin.channel in flow.channels


def _planned(wish: Wish, flow: Flow, built: Collection[str]) -> Planned:
    document, problem = None, ""
    if flow.kind not in built:
        try:
            document = wish.document() if wish.document is not None else None
        except ValueError as error:  # the document's own checks: the fact cannot be told to others as it is
            problem = str(error)
        if document is None and not problem:
            problem = f"nothing builds documents of kind {flow.kind}"
    return Planned(
        kind=str(flow.kind),
        connection=flow.connection,
        flow=flow_key(flow),
        reference=wish.reference,
        business_key=wish.business_key,
        subject=wish.subject,
        priority=flow.priority,
        document=document,
        problem=problem,
        undoes="" if wish.undoes is None else str(wish.undoes),
    )


def flow_key(flow: Flow) -> str:
    """A flow's name on its intents: `sale.post@erp`, with its channels where it is limited to some."""
    limited = f"/{','.join(sorted(flow.channels))}" if flow.channels else ""
    return f"{flow.kind}@{flow.connection}{limited}"


def order_key(order_id: str) -> str:
    """All that is sent for one order keeps its order."""
    return f"order/{order_id}"


# --- orders --------------------------------------------------------------------------------------------------------


def _sale(fact: facts.OrderPlacedOnStock, about: Circumstances, _estate: Estate) -> Wishes:
    if about.origin is not None and about.origin.cancelled:
        return
    key = order_key(fact.order_id)
    yield Wish(kind=FlowKind.SALE, reference=fact.order_id, business_key=key, subject=key)


def _shipment(fact: facts.FulfilmentReleased, _about: Circumstances, _estate: Estate) -> Wishes:
    """Its document is built when it is sent: lines may be cancelled in the meantime."""
    key = order_key(fact.order_id)
    yield Wish(kind=FlowKind.SHIPMENT, reference=fact.fulfilment_id, business_key=key, subject=key)


def _ending(fact: facts.OrderCompleted, about: Circumstances, estate: Estate) -> Wishes:
    """The invoice over what was kept; then, when part was cancelled, the rest of the sale is closed."""
    origin = about.origin
    if origin is not None and origin.cancelled and not origin.shipped:
        return  # nothing left the house, so nothing is owed
    key = order_key(fact.order_id)
    yield Wish(kind=FlowKind.INVOICE, reference=fact.order_id, business_key=key, subject=key)
    if origin is not None and origin.reduced:
        yield _sale_cancel(fact.order_id, "part of the order was cancelled", about, estate)


def _cancellation(fact: facts.OrderCancelled, about: Circumstances, estate: Estate) -> Wishes:
    """What was begun for the order elsewhere is undone, and its channel hears of it."""
    origin = about.origin
    if origin is None or origin.shipped:
        return
    yield replace(_sale_cancel(fact.order_id, fact.reason, about, estate), undoes=FlowKind.SALE)
    yield _order_cancel(fact.order_id, fact.order_id)


def _less(fact: facts.OrderLinesCancelled, about: Circumstances) -> Wishes:
    """Each time some lines are cancelled, their channel hears of it."""
    if about.origin is not None:
        yield _order_cancel(fact.order_id, f"{fact.order_id}/{about.fact_id.hex[-FACT_DIGITS:]}")


def _order_cancel(order_id: str, reference: str) -> Wish:
    """Built when it is sent: it tells what is left then."""
    key = order_key(order_id)
    return Wish(kind=FlowKind.ORDER_CANCEL, reference=reference, business_key=key, subject=key, back_to_origin=True)


def _sale_cancel(order_id: str, reason: str, about: Circumstances, estate: Estate) -> Wish:
    key = order_key(order_id)
    return Wish(
        kind=FlowKind.SALE_CANCEL,
        reference=order_id,
        business_key=key,
        subject=key,
        document=lambda: CancelSale(
            reference=order_id,
            sale_reference=order_id,
            order_id=order_id,
            reason=reason,
            cancelled_on=about.happened_at.astimezone(ZoneInfo(estate.company.zone)).date(),
        ),
    )


def _report(fact: facts.FulfilmentShipped, about: Circumstances, _estate: Estate) -> Wishes:
    origin = about.origin
    if origin is None:
        return  # accepted before this hub kept origins: there is no channel order to report on
    key = order_key(fact.order_id)
    # One fulfilment may leave in several parcels, each told by a fact of its own.
    reference = f"{fact.fulfilment_id}/{about.fact_id.hex[-FACT_DIGITS:]}"
    yield Wish(
        kind=FlowKind.FULFILMENT,
        reference=reference,
        business_key=key,
        subject=key,
        back_to_origin=True,
        document=lambda: ReportFulfilment(
            reference=reference,
            order_id=fact.order_id,
            channel_order_id=origin.channel_order_id,
            location=fact.location,
            lines=fact.lines,
            shipped_at=fact.shipped_at,
            carrier=fact.carrier,
            tracking=fact.tracking,
        ),
    )


# --- stores and stock ----------------------------------------------------------------------------------------------


def _store_day(fact: facts.StoreDayClosed, about: Circumstances, _estate: Estate) -> Wishes:
    """Journal and goods have keys of their own: a tender nobody mapped must not keep the goods from being issued."""
    reference = f"{fact.store}/{fact.business_day}/{fact.run}"
    day = f"store_day/{fact.store}/{fact.business_day}"
    text = f"Store day {fact.store} {fact.business_day}" + (f", closing {fact.run}" if fact.run > 1 else "")
    if fact.journal:
        yield Wish(
            kind=FlowKind.JOURNAL,
            reference=reference,
            business_key=f"{day}/journal",
            subject=about.stream,
            document=lambda: PostJournal(
                reference=reference,
                posting_date=fact.business_day,
                currency=fact.currency,
                text=text,
                lines=fact.journal,
            ),
        )
    if fact.goods:
        yield Wish(
            kind=FlowKind.GOODS_ISSUE,
            reference=reference,
            business_key=f"{day}/goods",
            subject=about.stream,
            document=lambda: PostGoodsIssue(
                reference=reference, location=fact.store, posting_date=fact.business_day, text=text, lines=fact.goods
            ),
        )


def _transfer(fact: facts.TransferRecorded, about: Circumstances, _estate: Estate) -> Wishes:
    yield Wish(
        kind=FlowKind.TRANSFER,
        reference=fact.transfer_id,
        business_key=f"transfer/{fact.transfer_id}",
        subject=about.stream,
        document=lambda: PostTransfer(
            reference=fact.transfer_id,
            from_location=fact.from_location,
            to_location=fact.to_location,
            posting_date=fact.transferred_on,
            lines=fact.lines,
        ),
    )


def _count(fact: facts.CountRecorded, about: Circumstances, _estate: Estate) -> Wishes:
    """One key per location: counted figures are absolute, so an older one must never arrive after a newer one."""
    yield Wish(
        kind=FlowKind.COUNT,
        reference=fact.count_id,
        business_key=f"count/{fact.location}",
        subject=about.stream,
        document=lambda: PostCount(
            reference=fact.count_id, location=fact.location, counted_on=fact.counted_on, lines=fact.lines
        ),
    )


# --- the table -----------------------------------------------------------------------------------------------------


def _wishes(fact: Document, about: Circumstances, estate: Estate) -> Wishes:
    match fact:
        case facts.OrderPlacedOnStock():
            yield from _sale(fact, about, estate)
        case facts.FulfilmentReleased():
            yield from _shipment(fact, about, estate)
        case facts.OrderCompleted():
            yield from _ending(fact, about, estate)
        case facts.OrderCancelled():
            yield from _cancellation(fact, about, estate)
        case facts.OrderLinesCancelled():
            yield from _less(fact, about)
        case facts.FulfilmentShipped():
            yield from _report(fact, about, estate)
        case facts.StoreDayClosed():
            yield from _store_day(fact, about, estate)
        case facts.TransferRecorded():
            yield from _transfer(fact, about, estate)
        case facts.CountRecorded():
            yield from _count(fact, about, estate)
        case _:
            return


def _withdrawals(fact: Document, about: Circumstances) -> Iterator[Withdrawal]:
    match fact:
        case facts.OrderCancelled():
            if about.origin is not None and about.origin.shipped:
                return  # what has left still has to be sold and invoiced; the rest is cancelled per fulfilment
            kinds = (FlowKind.SALE, FlowKind.SHIPMENT, FlowKind.INVOICE)
            reason = f"order cancelled: {fact.reason}"
            yield Withdrawal(kinds=kinds, business_key=order_key(fact.order_id), reason=reason)
        case facts.FulfilmentCancelled():
            reason = f"fulfilment cancelled: {fact.reason}"
            key = order_key(fact.order_id)
            yield Withdrawal(kinds=(FlowKind.SHIPMENT,), business_key=key, reference=fact.fulfilment_id, reason=reason)
        case _:
            return


SOURCES: Final[Mapping[str, str]] = {
    "order.accepted": "remembered: where the order came from",
    "order.placed": "sale.post",
    "order.completed": "invoice.post; sale.cancel, if part of the order was cancelled",
    "order.lines_cancelled": "order.cancel, to the connection that brought the order; "
    "remembered: part of the order was cancelled",
    "order.cancelled": "withdraws sale.post, shipment.post, invoice.post; sale.cancel, where sale.post was begun; "
    "order.cancel, to the connection that brought the order",
    "fulfilment.released": "shipment.post",
    "fulfilment.shipped": "fulfilment.report, to the connection that brought the order",
    "fulfilment.cancelled": "withdraws shipment.post",
    "store_day.closed": "journal.post, goods_issue.post",
    "stock.transferred": "transfer.post",
    "stock.counted": "count.post",
}
"""Facts that derivation reads, and what each makes: the documentation's table is printed from this."""
