"""Store raw messages, sealed: the one door of everything that others tell us."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from crossdock.foundation.db import Tx
from crossdock.foundation.ids import new_id
from crossdock.foundation.vault import Vault
from crossdock.inbound import store
from crossdock.inbound.model import MessageId, NewMessage
from crossdock.inbound.rules import feed_kept, headers_kept
from crossdock.inbound.seals.envelope import seal
from crossdock.inbound.seals.service import bindings

THREAD_FROM: Final = 256 * 1024
"""Bytes in all that are sealed beside the event loop: packing them takes longer than others should wait."""


async def receive(tx: Tx, vault: Vault, messages: Sequence[NewMessage], *, now: datetime) -> Sequence[MessageId]:
    """Store raw messages as they came; their ids, in order. Durable when the caller's transaction has committed.

    Nothing is decoded here: a worker does that later.
    """
    ids = [MessageId(new_id()) for _ in messages]
    await put(tx, vault, ids, messages, now=now, queued=True)
    return ids


async def put(
    tx: Tx, vault: Vault, ids: Sequence[MessageId], messages: Sequence[NewMessage], *, now: datetime, queued: bool
) -> None:
    """Store messages under given ids; those that are not *queued* get their record from the caller."""
    if not messages:
        return
    if sum(len(message.body) for message in messages) < THREAD_FROM:
        sealed = _sealed(vault, ids, messages)
    else:
        sealed = await asyncio.to_thread(_sealed, vault, ids, messages)
    bound = [
        binding
        for message_id, message in zip(ids, messages, strict=True)
        for binding in bindings(vault, message_id, message.about, now)
    ]
    await store.store(
        tx,
        ids=ids,
        connections=[message.connection for message in messages],
        routes=[message.route for message in messages],
        feeds=[feed_kept(message.feed) for message in messages],
        bodies=[body for body, _ in sealed],
        sizes=[len(message.body) for message in messages],
        keys=[key for _, key in sealed],
        bound=bound,
        queued=queued,
        now=now,
    )


def _sealed(vault: Vault, ids: Sequence[MessageId], messages: Sequence[NewMessage]) -> Sequence[tuple[bytes, bytes]]:
    return [
        (seal(key, message_id, headers_kept(message.headers), message.body), wrapped)
        for (key, wrapped), message_id, message in zip(vault.new_keys(len(ids)), ids, messages, strict=True)
    ]
