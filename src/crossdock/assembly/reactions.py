"""Upward information: one table, fact → service calls, run by cursor in commit order.

Each reactor has its own cursor, moved in the transaction that holds its effect: a crash repeats nothing that was done.
A fact that a reactor cannot digest is handed to a person and passed: it never stops the facts behind it.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, TypeAlias
from uuid import UUID

from crossdock.assembly.hub import Hub
from crossdock.availability import service as availability
from crossdock.canonical import facts
from crossdock.canonical.base import Document, FulfilmentId, LocationCode, OrderId, Sku
from crossdock.catalog import service as catalog
from crossdock.crossref import service as crossref
from crossdock.estate.model import Estate, FlowKind
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.model import Event
from crossdock.eventlog.service import Origin
from crossdock.finance import service as finance
from crossdock.finance.model import PostedDocument
from crossdock.foundation.apart import NOT_NOW
from crossdock.foundation.db import Tx
from crossdock.foundation.log import logger
from crossdock.inventory.model import PositionKey
from crossdock.operations import service as operations
from crossdock.operations.model import Matter
from crossdock.orders import service as orders
from crossdock.orders.model import Held
from crossdock.outbound import service as outbound

log = logger(__name__)

BATCH: Final = 200

React: TypeAlias = Callable[[Tx, Estate, Sequence[Event], datetime], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reactor:
    """What some facts set in motion."""

    name: str
    """Of its cursor: renaming it would start from the beginning."""
    to: tuple[type[Document], ...]
    """Empty means every fact."""
    react: React


async def _place_orders(tx: Tx, estate: Estate, events: Sequence[Event], now: datetime) -> None:
    """Accepted, released or paid orders look for their goods; what nobody counts does when its goods are cancelled."""
    causes = {OrderId(UUID(_order_id(event))): event.id for event in events}
    outcomes = await orders.place(tx, estate, list(causes), known=catalog.tracked, now=now, causes=causes)
    await _reckon_with(tx, [outcome.order_id for outcome in outcomes if isinstance(outcome, Held)], now=now)


async def _reckon_with(tx: Tx, order_ids: Sequence[OrderId], *, now: datetime) -> None:
    """Orders that stay unplaced lower what may be sold, and raise it again when nobody wants them: nothing is booked."""
    views = await orders.get_many(tx, order_ids) if order_ids else ()
    await availability.mark(tx, {Sku(line.sku) for view in views for line in view.order.lines}, now=now)


async def _know_items(tx: Tx, estate: Estate, events: Sequence[Event], now: datetime) -> None:
    """An item became known, or is another one now: orders that were held for it are looked at again, its numbers too."""
    skus = {Sku(event.fact.sku) for event in events if isinstance(event.fact, facts.ItemChanged)}
    await availability.mark(tx, skus, now=now)
    waiting = await orders.held_for_items(tx, skus)
    await orders.place(tx, estate, waiting, known=catalog.tracked, now=now)


async def _start_on_landed(tx: Tx, estate: Estate, events: Sequence[Event], now: datetime) -> None:
    """Goods that orders waited for have come, or a day that they were promised has gone: look at those orders."""
    keys: dict[str, UUID] = {}
    for event in events:
        match event.fact:
            case facts.StockLanded():
                keys |= {each.reservation: event.id for each in event.fact.served}
            case facts.StockLate():
                keys |= {each.reservation: event.id for each in event.fact.losing}
            case _:
                raise TypeError(event.type)
    whose = await orders.orders_of(tx, keys)
    causes = {order_id: keys[key] for key, order_id in whose.items()}
    await orders.place(tx, estate, sorted(causes), known=catalog.tracked, now=now, causes=causes)


async def _repromise(tx: Tx, estate: Estate, events: Sequence[Event], now: datetime) -> None:
    """Goods that were promised are gone: who gives way takes them elsewhere, or waits, and people hear of it."""
    found = [
        orders.Shortage(PositionKey(Sku(event.fact.sku), event.fact.location), event.fact.cause, event.id)
        for event in events
        if isinstance(event.fact, facts.StockShort)
    ]
    await orders.repromise(tx, estate, found, told=_told_to_ship, known=catalog.tracked, now=now)


async def _told_to_ship(tx: Tx, of_orders: Collection[OrderId]) -> Collection[FulfilmentId]:
    """Work that another system has been told of, or may have been."""
    return {FulfilmentId(UUID(each)) for each in await outbound.told_of(tx, FlowKind.SHIPMENT, of_orders)}


async def _watch(tx: Tx, estate: Estate, events: Sequence[Event], now: datetime) -> None:
    """Facts that need a person open exceptions, facts that settle a matter close them."""
    await operations.watch(tx, estate, events, now=now)


async def _hear_tills(tx: Tx, _estate: Estate, events: Sequence[Event], now: datetime) -> None:
    """Which till spoke when: the measure of its silence."""
    heard = [
        finance.Heard(store=fact.ref.store, till=fact.ref.till, heard_at=event.recorded_at)
        for event in events
        for fact in [event.fact]
        if isinstance(fact, facts.ReceiptRecorded)
    ]
    await finance.hear(tx, heard, now=now)


POSTED: Final = {FlowKind.JOURNAL: PostedDocument.JOURNAL, FlowKind.GOODS_ISSUE: PostedDocument.GOODS}


async def _mark_store_days(tx: Tx, _estate: Estate, events: Sequence[Event], _now: datetime) -> None:
    """A store day is posted when the ERP has its journal and its goods. References are `store/day/run`."""
    for event in events:
        landed = event.fact
        if isinstance(landed, facts.IntentLanded) and landed.kind in POSTED:
            store, day, run = landed.reference.rsplit("/", 2)
            await finance.mark_posted(
                tx,
                LocationCode(store),
                date.fromisoformat(day),
                int(run),
                document=POSTED[FlowKind(landed.kind)],
                document_id=landed.document_id,
            )


async def _cancelled_order(tx: Tx, event: Event) -> str:
    """`order/…` of a fact about an order that is cancelled; empty otherwise."""
    match event.fact:
        case facts.OrderCancelled():
            return f"order/{event.fact.order_id}"
        case facts.IntentLanded() if event.fact.subject.startswith("order/"):
            view = await orders.get(tx, OrderId(UUID(event.fact.subject.removeprefix("order/"))))
            return event.fact.subject if view is not None and view.order.header.cancelled_at is not None else ""
        case _:
            return ""


async def _end_cancelled(tx: Tx, estate: Estate, events: Sequence[Event], now: datetime) -> None:
    """What a cancelled order leaves behind: units that waited for a place, documents elsewhere."""
    ended = [OrderId(UUID(event.fact.order_id)) for event in events if isinstance(event.fact, facts.OrderCancelled)]
    await _reckon_with(tx, ended, now=now)
    await _ask_about_documents(tx, estate, events, now)


async def _ask_about_documents(tx: Tx, estate: Estate, events: Sequence[Event], now: datetime) -> None:
    """A cancelled order has documents elsewhere, or gets one that was under way: what no flow undoes is left to people."""
    for event in events:
        subject = await _cancelled_order(tx, event)
        documents = [
            each
            for each in (await crossref.documents_of(tx, subject) if subject else ())
            if not outbound.is_undone(estate, each.connection, each.kind)
        ]
        if not documents:
            continue
        named = ", ".join(f"{each.kind} {each.number or each.document_id} in {each.connection}" for each in documents)
        matter = Matter(
            type="order_cancelled_after_posting",
            key=f"cancelled/{subject}",
            subject=subject,
            detail=f"cancelled, but there are documents that nothing undoes: {named}"[:500],
        )
        origin = Origin(correlation_id=event.correlation_id, source="reactions", causation_id=event.id)
        await operations.open_exception(tx, estate, matter, origin=origin, now=now)


def _order_id(event: Event) -> str:
    match event.fact:
        case (
            facts.OrderAccepted()
            | facts.OrderHoldReleased()
            | facts.OrderPaymentChanged()
            | facts.OrderLinesCancelled()
        ):
            return event.fact.order_id
        case _:
            raise TypeError(event.type)


REACTORS: Final = (
    Reactor(
        name="placing",
        to=(facts.OrderAccepted, facts.OrderHoldReleased, facts.OrderPaymentChanged, facts.OrderLinesCancelled),
        react=_place_orders,
    ),
    Reactor(name="short", to=(facts.StockShort,), react=_repromise),
    Reactor(name="landed", to=(facts.StockLanded, facts.StockLate), react=_start_on_landed),
    Reactor(name="known-items", to=(facts.ItemChanged,), react=_know_items),
    Reactor(name="cancelled", to=(facts.OrderCancelled, facts.IntentLanded), react=_end_cancelled),
    Reactor(name="store-days", to=(facts.IntentLanded,), react=_mark_store_days),
    Reactor(name="tills", to=(facts.ReceiptRecorded,), react=_hear_tills),
    Reactor(name="exceptions", to=(), react=_watch),
)
"""The index of everything that facts set in motion inside the hub. What goes out is derived by `outbound`."""


async def step(hub: Hub, reactor: Reactor) -> bool:
    """One batch of one reactor; True when there may be more."""
    cursor_name = f"reaction.{reactor.name}"
    try:
        async with hub.database.transaction() as tx:
            events = await _next(tx, cursor_name, reactor)
            if events:
                eventlog.check_readable(events)
                await reactor.react(tx, await hub.estate.get(tx), events, hub.clock.now())
                await eventlog.move_cursor(tx, cursor_name, events[-1].cursor)
            elif reactor.to:
                await eventlog.move_past(tx, cursor_name, _tags(reactor))
    except NOT_NOW:
        raise
    except Exception:  # the batch is taken apart, so that only the fact that is to blame is set aside
        log.exception("reaction_failed", reactor=reactor.name)
        return await _one_by_one(hub, reactor, cursor_name)
    return len(events) == BATCH


async def _next(tx: Tx, cursor_name: str, reactor: Reactor) -> Sequence[Event]:
    cursor = await eventlog.cursor_of(tx, cursor_name)
    return await eventlog.read_after(tx, cursor, limit=BATCH, types=_tags(reactor))


def _tags(reactor: Reactor) -> Sequence[str]:
    return [str(kind.__struct_config__.tag) for kind in reactor.to]


async def _one_by_one(hub: Hub, reactor: Reactor, cursor_name: str) -> bool:
    """Between two facts another worker may have been here: each is taken only if the cursor has not passed it."""
    async with hub.database.transaction() as tx:
        events = await _next(tx, cursor_name, reactor)
    for event in events:
        try:
            async with hub.database.transaction() as tx:
                if await eventlog.cursor_of(tx, cursor_name) < event.cursor:
                    eventlog.check_readable([event])
                    await reactor.react(tx, await hub.estate.get(tx), [event], hub.clock.now())
                    await eventlog.move_cursor(tx, cursor_name, event.cursor)
        except NOT_NOW:
            raise
        except Exception as error:
            log.exception("reaction_set_aside", reactor=reactor.name, fact=event.type, fact_id=str(event.id))
            await _set_aside(hub, reactor, cursor_name, event, error)
    return bool(events)


def said_of(error: Exception) -> str:
    """An error in words for people."""
    return f"{type(error).__name__}: {error}".replace("\x00", "?").encode(errors="replace").decode()


def matter_of_failure(reader: str, event: Event, said: str) -> Matter:
    """A fact that a reader of the log broke on."""
    return Matter(
        type="reaction_failed",
        key=f"reaction/{reader}/{event.id}",
        subject=event.stream,
        path=event.type,
        detail=f"{reader}: {said}"[:500],
    )


async def _set_aside(hub: Hub, reactor: Reactor, cursor_name: str, event: Event, error: Exception) -> None:
    matter = matter_of_failure(reactor.name, event, said_of(error))
    origin = Origin(correlation_id=event.correlation_id, source="reactions", causation_id=event.id)
    async with hub.database.transaction() as tx:
        if await eventlog.cursor_of(tx, cursor_name) < event.cursor:
            await operations.open_exception(tx, await hub.estate.get(tx), matter, origin=origin, now=hub.clock.now())
            await eventlog.move_cursor(tx, cursor_name, event.cursor)
