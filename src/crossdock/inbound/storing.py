"""Store raw messages: the one door of everything that others tell us."""

from collections.abc import Sequence
from datetime import datetime

from crossdock.foundation.db import Tx
from crossdock.foundation.ids import new_id
from crossdock.inbound import store
from crossdock.inbound.model import MessageId, NewMessage
from crossdock.inbound.rules import feed_kept, headers_kept


async def receive(tx: Tx, messages: Sequence[NewMessage], *, now: datetime) -> Sequence[MessageId]:
    """Store raw messages as they came; their ids, in order. Durable when the caller's transaction has committed.

    Nothing is decoded here: a worker does that later.
    """
    ids = [MessageId(new_id()) for _ in messages]
    await put(tx, ids, messages, now=now, queued=True)
    return ids


async def put(tx: Tx, ids: Sequence[MessageId], messages: Sequence[NewMessage], *, now: datetime, queued: bool) -> None:
    """Store messages under given ids; those that are not *queued* get their record from the caller."""
    if not messages:
        return
    await store.store(
        tx,
        ids=ids,
        connections=[message.connection for message in messages],
        routes=[message.route for message in messages],
        feeds=[feed_kept(message.feed) for message in messages],
        headers=[headers_kept(message.headers) for message in messages],
        bodies=[message.body for message in messages],
        queued=queued,
        now=now,
    )
