"""Open, list and settle exceptions."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from crossdock.canonical.facts import ExceptionOpened, MessageRejected
from crossdock.estate.model import Estate
from crossdock.eventlog.model import Event
from crossdock.eventlog.service import Origin
from crossdock.foundation.db import Tx
from crossdock.foundation.ids import new_id
from crossdock.operations import store
from crossdock.operations.closing import close, close_of, note
from crossdock.operations.grouping.service import GROUPS, refresh
from crossdock.operations.labels.service import labelled
from crossdock.operations.model import Matter, OpenException, Place
from crossdock.operations.rules import FOLDED, matter_of, moot_by, order_of, owner_of, settled_by
from crossdock.orders import service as orders

__all__ = ["by_keys", "close", "counts", "get", "list_exceptions", "lock", "open_exception", "refresh", "watch"]


async def watch(tx: Tx, estate: Estate, events: Sequence[Event], *, now: datetime) -> None:
    """Open the exceptions that facts call for, and close those that they settle. Part of the facts' own reaction."""
    grouped = False
    for event in events:
        grouped = await _watch(tx, estate, event, now=now) in GROUPS or grouped
    if grouped:
        await refresh(tx, estate, now=now)


async def _watch(tx: Tx, estate: Estate, event: Event, *, now: datetime) -> str:
    """The type of the matter that the fact is about; empty when it needs nobody."""
    origin = Origin(correlation_id=event.correlation_id, source="operations", causation_id=event.id)
    matter = matter_of(event.fact)
    if matter is not None and not await _told_before(tx, event, matter):
        await open_exception(tx, estate, await _with_money(tx, matter), origin=origin, now=now)
    for key in settled_by(event.fact):
        await close(tx, key, f"settled by {event.type}", origin=origin, now=now)
    if (moot := moot_by(event.fact)) is not None:
        await close_of(tx, *moot, f"settled by {event.type}", origin=origin, now=now)
    return "" if matter is None else matter.type


async def _told_before(tx: Tx, event: Event, matter: Matter) -> bool:
    """A record that was not taken in because its domain has asked a person already: one matter, one exception."""
    return isinstance(event.fact, MessageRejected) and await store.adopt(tx, event.correlation_id, FOLDED, matter.key)


async def _with_money(tx: Tx, matter: Matter) -> Matter:
    """What a matter about an order puts at risk is the order."""
    order_id = order_of(matter.subject)
    view = await orders.get(tx, order_id) if matter.amount is None and order_id is not None else None
    if view is None:
        return matter
    return replace(matter, amount=view.order.header.total, currency=view.order.header.currency)


async def open_exception(tx: Tx, estate: Estate, matter: Matter, *, origin: Origin, now: datetime) -> UUID:
    """Open it, or count one more occurrence when the same matter is open already."""
    owner, due_at = owner_of(matter.type, estate.ownership, now)
    found, occurrences = await store.open_or_count(
        tx,
        new_id=new_id(),
        matter=matter,
        owner=owner,
        opened_at=now,
        due_at=due_at,
        correlation_id=origin.correlation_id,
    )
    if occurrences == 1:
        fact = ExceptionOpened(exception_id=str(found), type=matter.type, subject=matter.subject, owner=owner)
        await note(tx, found, fact, origin, now)
    return found


async def list_exceptions(
    tx: Tx,
    *,
    owner: str = "",
    type_name: str = "",
    subject: str = "",
    closed_too: bool = False,
    limit: int = 200,
    after: Place | None = None,
) -> Sequence[OpenException]:
    """The work list: open ones by their clock, from behind *after* on. Empty filters match everything."""
    found = await store.list_exceptions(
        tx, owner=owner, type_name=type_name, subject=subject, closed_too=closed_too, limit=limit, after=after
    )
    return await labelled(tx, found)


async def by_keys(tx: Tx, keys: Collection[str]) -> Sequence[OpenException]:
    """The open exceptions of these matters."""
    return await store.by_keys(tx, sorted(keys)) if keys else ()


async def lock(tx: Tx, exception: OpenException) -> OpenException:
    """The same exception as it stands now, locked until the transaction ends."""
    return await store.lock(tx, exception.id) or exception


async def get(tx: Tx, exception_id: UUID) -> OpenException | None:
    """One exception."""
    found = await store.get(tx, exception_id)
    return None if found is None else (await labelled(tx, [found]))[0]


async def counts(tx: Tx, *, now: datetime) -> Sequence[tuple[str, str, int, int, Decimal]]:
    """Per owner and type: open, overdue, money at risk."""
    return await store.counts(tx, now)
