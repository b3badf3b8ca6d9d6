"""GET /v1/events: every fact, in commit order, for subscribers that poll."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from litestar import get
from litestar.datastructures import State
from litestar.params import FromQuery

from crossdock.canonical.facts import FACT_TYPES
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.model import START, Cursor, Event, Unreadable
from crossdock.gateway.keys import Scope
from crossdock.gateway.parts import check_limit, parts_of, wrong

CURSOR_MAX: Final = 2**63


class FeedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One fact, as subscribers get it."""

    id: UUID
    type: str
    subject: str
    happened_at: datetime
    recorded_at: datetime
    trace: UUID
    source: str
    payload: object


class FeedPage(msgspec.Struct, frozen=True, kw_only=True):
    """Facts in commit order. Ask again with `after=next`; an empty page means: nothing new yet.

    With a filter `next` also passes what the filter left out: looking again costs nothing.
    """

    events: list[FeedEvent]
    next: str


@get("/v1/events", summary="The events feed", opt={"scope": Scope.EVENTS_READ})
async def list_events(
    state: State, after: FromQuery[str] = "", types: FromQuery[str] = "", limit: FromQuery[int] = 100
) -> FeedPage:
    """Facts after a cursor, in commit order; none is ever skipped. `types` is a comma-separated filter."""
    check_limit(limit)
    cursor = _cursor(after)
    wanted = [name.strip() for name in types.split(",") if name.strip()]
    strange = sorted(set(wanted) - set(FACT_TYPES))
    if strange:
        raise wrong("types", f'there is no fact "{strange[0]}" (there are: {", ".join(sorted(FACT_TYPES))})')
    async with parts_of(state).reads.transaction() as tx:
        found = await eventlog.read_after(tx, cursor, limit=limit, types=wanted)
        head = await eventlog.head(tx) if wanted and len(found) < limit else cursor
    reached = found[-1].cursor if found else cursor
    return FeedPage(events=[_feed_event(event) for event in found], next=str(max(reached, head)))


def _cursor(text: str) -> Cursor:
    if not text:
        return START
    try:
        cursor = Cursor.parse(text)
    except ValueError:
        raise wrong("after", "is not a cursor of this feed") from None
    if not (0 <= cursor.xid < CURSOR_MAX and 0 <= cursor.position < CURSOR_MAX):
        raise wrong("after", "is not a cursor of this feed")
    return cursor


def _feed_event(event: Event) -> FeedEvent:
    return FeedEvent(
        id=event.id,
        type=event.type,
        subject=event.stream,
        happened_at=event.happened_at,
        recorded_at=event.recorded_at,
        trace=event.correlation_id,
        source=event.source,
        payload=event.fact.payload if isinstance(event.fact, Unreadable) else event.fact,
    )
