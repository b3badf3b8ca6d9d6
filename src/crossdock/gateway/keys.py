"""Who calls: API keys with scopes. A request costs no query; a revoked key stops working within a second."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from crossdock.foundation.clock import Clock
from crossdock.foundation.db import Database, Tx
from crossdock.foundation.ids import new_id
from crossdock.gateway import store
from crossdock.gateway.fresh import Fresh
from crossdock.gateway.patience import PATIENCE_S
from crossdock.gateway.problems import Problem

PREFIX: Final = "cdk_"
AGE_S: Final = 0.5
"""Age at which the copy of the keys is read again: half of what "revoked within a second" allows."""


class Scope(StrEnum):
    """What a key may do."""

    ORDERS_WRITE = "orders:write"
    ORDERS_READ = "orders:read"
    PRODUCTS_WRITE = "products:write"
    STOCK_WRITE = "stock:write"
    STOCK_READ = "stock:read"
    RESERVATIONS = "reservations:write"
    UPLOADS = "uploads:write"
    EVENTS_READ = "events:read"
    OPERATIONS_READ = "operations:read"
    OPERATIONS = "operations:write"
    METRICS = "metrics:read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A valid key's owner."""

    id: UUID
    name: str
    scopes: frozenset[str]
    channel: str | None
    expires_at: datetime | None

    def check(self, scope: Scope, *, of_channels: bool) -> None:
        """Problem when the key was not made for that. *of_channels*: the route keeps to what concerns a key's channel."""
        if scope not in self.scopes:
            raise Problem("forbidden", f'the key "{self.name}" has no scope {scope}')
        if self.channel is not None and not of_channels:
            raise Problem(
                "forbidden", f'the key "{self.name}" is for channel "{self.channel}" only; this concerns all of them'
            )

    def check_channel(self, channel: str) -> None:
        """Problem when the key is for another channel only."""
        if self.channel is not None and self.channel != channel:
            raise Problem("forbidden", f'the key "{self.name}" is for channel "{self.channel}" only')


def digest(key: str) -> bytes:
    """What is stored of a key: SHA-256 of 256 random bits cannot be guessed back."""
    return hashlib.sha256(key.encode()).digest()


def presented(authorization: bytes | None) -> bytes:
    """The digest of the key in an Authorization header; empty when there is none."""
    scheme, _, key = (authorization or b"").partition(b" ")
    return hashlib.sha256(key.strip()).digest() if scheme.lower() == b"bearer" else b""


CHANNEL_SCOPES: Final = frozenset(
    {Scope.ORDERS_WRITE, Scope.ORDERS_READ, Scope.STOCK_READ, Scope.STOCK_WRITE, Scope.RESERVATIONS}
)
"""Scopes of which something is left for a key of one channel."""


class NameTakenError(Exception):
    """A valid key has that name."""


async def create(
    tx: Tx,
    name: str,
    scopes: Sequence[Scope],
    *,
    now: datetime,
    channel: str | None = None,
    expires_at: datetime | None = None,
) -> str:
    """Make a key; the text is shown once and kept nowhere. NameTakenError when two could not be told apart."""
    key = PREFIX + secrets.token_urlsafe(32)
    made = await store.insert_key(
        tx,
        key_id=new_id(),
        name=name,
        digest=digest(key),
        scopes=[str(scope) for scope in scopes],
        channel=channel,
        now=now,
        expires_at=expires_at,
    )
    if not made:
        raise NameTakenError(name)
    return key


class Keyring:
    """The valid keys, read again when the copy is older than half a second and somebody asks."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._fresh = Fresh(clock, self._read, AGE_S)

    async def caller(self, authorization: bytes | None) -> Caller:
        """The caller behind an Authorization header; Problem when there is none."""
        callers = self._fresh.at_hand()
        if callers is None:
            callers = await self._fresh.get()
        found = callers.get(presented(authorization))
        if found is None or (found.expires_at is not None and found.expires_at <= self._clock.now()):
            raise Problem("unauthenticated", headers={"WWW-Authenticate": "Bearer"})
        return found

    async def _read(self) -> Mapping[bytes, Caller]:
        async with self._database.transaction(patience_s=PATIENCE_S) as tx:
            rows = await store.valid_keys(tx)
        return {
            bytes(row.hash): Caller(
                id=row.id, name=row.name, scopes=frozenset(row.scopes), channel=row.channel, expires_at=row.expires_at
            )
            for row in rows
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Former:
    """A key that was valid once."""

    name: str
    ended: str
    """In words."""


async def former(tx: Tx, key_digest: bytes) -> Former | None:
    """The revoked or expired key of that digest; None when there never was one."""
    row = await store.former_key(tx, key_digest)
    if row is None:
        return None
    word, moment = ("expired", row.expires_at) if row.revoked_at is None else ("was revoked", row.revoked_at)
    return Former(name=row.name, ended=f"{word} at {moment:%Y-%m-%d %H:%M}Z")


async def valid(tx: Tx) -> Sequence[store.KeyRow]:
    """Keys that were not revoked, by name."""
    return await store.valid_keys(tx)


async def revoke(tx: Tx, name: str, *, now: datetime) -> bool:
    """Stop a key; False when there is no valid one of that name."""
    return await store.revoke_key(tx, name, now)
