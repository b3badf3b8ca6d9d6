"""Append facts in the transaction that changes state; read them in commit order."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from crossdock.canonical.base import Document
from crossdock.canonical.facts import fact_type, fact_version
from crossdock.canonical.upcast import UnknownVersionError, read_fact
from crossdock.eventlog import store
from crossdock.eventlog.model import START, Cursor, Event, StoredEvent, Unreadable, UnreadableFactError
from crossdock.foundation.db import Asked, Tx
from crossdock.foundation.ids import new_id

MOVE_PAST_XIDS: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Why a fact exists: its trace, its immediate cause, who said it."""

    correlation_id: UUID
    source: str
    causation_id: UUID | None = None

    @classmethod
    def begin(cls, source: str) -> "Origin":
        """A new trace: something that nothing of ours has caused."""
        return cls(correlation_id=new_id(), source=source)

    def caused_by(self, cause: UUID) -> "Origin":
        """The same trace, one step on."""
        return Origin(correlation_id=self.correlation_id, source=self.source, causation_id=cause)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFact:
    """A fact about to be appended to *stream* (`order/019a…`, `stock/SKU@LOCATION`)."""

    stream: str
    fact: Document
    happened_at: datetime
    origin: Origin


async def append(tx: Tx, facts: Sequence[NewFact]) -> Sequence[UUID]:
    """Write facts in the caller's transaction; their ids, in order. They are visible to readers after its commit."""
    if not facts:
        return ()
    ids = [new_id() for _ in facts]
    kinds = [fact_type(new.fact) for new in facts]
    await store.insert(
        tx,
        ids=ids,
        streams=[new.stream for new in facts],
        types=kinds,
        versions=[fact_version(kind) for kind in kinds],
        happened=[new.happened_at for new in facts],
        correlations=[new.origin.correlation_id for new in facts],
        causations=[new.origin.causation_id for new in facts],
        sources=[new.origin.source for new in facts],
        payloads=[new.fact for new in facts],
    )
    return ids


async def read_after(tx: Tx, cursor: Cursor, *, limit: int = 500, types: Collection[str] = ()) -> Sequence[Event]:
    """Facts after *cursor* in commit order, only those below the horizon: none can appear behind one already read.

    A fact comes after all that had been committed when it was written, whoever waited for whom in between.
    """
    return [_event(row) for row in await store.read_after(tx, cursor, limit=limit, types=list(types))]


async def get(tx: Tx, fact_id: UUID) -> Event | None:
    """One fact; None when there is none of that id (any more)."""
    row = await store.get(tx, fact_id)
    return None if row is None else _event(row)


async def of_stream(tx: Tx, stream: str, *, limit: int = 1000) -> Sequence[Event]:
    """Everything that happened to one business object, oldest first."""
    return [_event(row) for row in await store.of_stream(tx, stream, limit=limit)]


async def of_correlation(tx: Tx, correlation_id: UUID, *, limit: int = 1000) -> Sequence[Event]:
    """Everything of one trace, oldest first."""
    return [_event(row) for row in await store.of_correlation(tx, correlation_id, limit=limit)]


async def cursor_of(tx: Tx, name: str) -> Cursor:
    """Where reader *name* stands, locked until the transaction ends: one reader moves at a time."""
    return await store.lock_cursor(tx, name) or START


async def move_cursor(tx: Tx, name: str, cursor: Cursor) -> None:
    """Remember how far reader *name* came, in the transaction that holds the effect."""
    await store.move_cursor(tx, name, cursor)


async def move_past(tx: Tx, name: str, types: Collection[str], *, distance: int = MOVE_PAST_XIDS) -> bool:
    """A reader of few types found nothing: move it past what it does not read, so that old months can be dropped.

    Only when the log has gone on for *distance* transactions: most idle looks write nothing.
    """
    return await store.move_past(tx, name, list(types), distance=distance)


async def horizon(tx: Tx) -> int:
    """The transaction below which all have ended: whatever a later statement of *tx* reads, it sees all of those."""
    return await store.horizon(tx)


async def ask_horizon(tx: Tx) -> Asked[store.Horizon]:
    """The same, answered later: what is asked after it sees all of those, too."""
    return await store.ask_horizon(tx)


async def head(tx: Tx) -> Cursor:
    """The newest readable position: where a reader starts that wants only what comes."""
    return await store.head(tx) or START


async def hidden_since(tx: Tx) -> datetime | None:
    """When the oldest fact was recorded that a transaction still open keeps from readers; None when all can be read."""
    return await store.hidden_since(tx)


def check_readable(events: Sequence[Event]) -> None:
    """UnreadableFactError when nothing can follow from one of them."""
    for event in events:
        if isinstance(event.fact, Unreadable):
            raise UnreadableFactError(event.fact.reason)


def _fact(row: StoredEvent) -> Document:
    """A fact of a newer release is not unreadable: it is left to that release, and this one stops before it."""
    try:
        return read_fact(row.type, row.schema_version, row.payload)
    except UnknownVersionError:
        raise
    except Exception as error:  # noqa: BLE001 (whatever it is, it concerns this fact and not its neighbours)
        return Unreadable(reason=f"{type(error).__name__}: {error}", payload=row.payload)


def _event(row: StoredEvent) -> Event:
    return Event(
        id=row.id,
        cursor=Cursor(xid=row.xid, position=row.position),
        stream=row.stream,
        type=row.type,
        fact=_fact(row),
        happened_at=row.happened_at,
        recorded_at=row.recorded_at,
        correlation_id=row.correlation_id,
        causation_id=row.causation_id,
        source=row.source,
    )
