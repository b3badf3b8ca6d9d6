"""Whom messages are about, and how they are forgotten: by deleting the keys of the messages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

from crossdock.canonical.base import ConnectionName
from crossdock.customers import service as customers
from crossdock.foundation.db import Tx
from crossdock.foundation.vault import Vault
from crossdock.inbound.discretion import names_any
from crossdock.inbound.model import About, MessageId, StoredMessage
from crossdock.inbound.seals import store
from crossdock.inbound.seals.envelope import opened
from crossdock.inbound.seals.store import OpenRecord

Binding: TypeAlias = tuple[bytes, MessageId, datetime]

MESSAGES_MAX: Final = 10_000
"""Of one person: more is no person."""
NAME_MIN: Final = 6
"""Shorter ones stand in messages about anybody."""
PAGE: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What became of messages about somebody."""

    erased: int
    open: Sequence[OpenRecord]
    """Records that have not had their effect yet: their messages are erased as soon as they have, or are dismissed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A message about somebody."""

    message: StoredMessage
    shared: bool
    """It is about other people, too."""


def bindings(vault: Vault, message: MessageId, about: Iterable[About], received_at: datetime) -> Sequence[Binding]:
    """The rows by which forgetting finds a message. Of several acts of one person the first one counts.

    Nobody acts after it was told: other systems' clocks may go fast.
    """
    found: dict[bytes, datetime] = {}
    for each in about:
        handle = customers.handle_of(vault, each.connection, each.person)
        if handle is None and each.key:
            handle = handle_of_key(vault, each.connection, each.key)
        if handle is not None:
            found[handle] = min(each.at, found.get(handle, received_at))
    return [(handle, message, at) for handle, at in found.items()]


def handle_of_order(vault: Vault, connection: ConnectionName, channel_order_id: str) -> bytes:
    """What stands for whoever an order is for, where nobody can recognise them."""
    return handle_of_key(vault, connection, f"order/{channel_order_id}")


def handle_of_key(vault: Vault, connection: ConnectionName, key: str) -> bytes:
    """The same for any business key."""
    return vault.mark(f"{connection}\0key\0{key}".encode())


async def forget(tx: Tx, handles: Sequence[bytes], *, request: str, now: datetime) -> Forgotten:
    """Erase what came in about these people until now; what is still at work, or is read only later, as soon as it may be."""
    await store.note(tx, handles, request, now)
    erased = await store.erase(tx, handles, now)
    return Forgotten(erased=erased, open=await store.still_open(tx, handles, limit=MESSAGES_MAX))


async def bind_unread(tx: Tx, vault: Vault, handle: bytes, names: Iterable[str]) -> None:
    """Messages that nobody could read are looked through: those that name somebody are about them."""
    wanted = [name.casefold() for name in names if len(name) >= NAME_MIN]
    after = UUID(int=0)
    while wanted:
        rows = await store.unread(tx, after, limit=PAGE)
        told = [opened(vault, row) for row in rows]
        about = [(handle, each.id, each.received_at) for each in told if names_any(each.body, wanted)]
        if about:
            await store.bind(tx, about)
        if len(rows) < PAGE:
            return
        after = rows[-1].id


async def forget_late(tx: Tx, *, now: datetime) -> int:
    """Erase what has come to light since about people who were erased; how many messages."""
    return await store.erase(tx, None, now)


async def about(tx: Tx, vault: Vault, handles: Sequence[bytes]) -> Sequence[Told]:
    """What came in about somebody, oldest first, opened."""
    rows = await store.messages_about(tx, handles, limit=MESSAGES_MAX)
    shared = await store.shared(tx, [row.id for row in rows], handles) if rows else set()
    return [Told(message=opened(vault, row), shared=row.id in shared) for row in rows]
