"""State, leases and health of connections. What changes is returned as a fact: the caller appends it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from crossdock.canonical.facts import ConnectionBroken, ConnectionRestored
from crossdock.connections import store
from crossdock.connections.model import BreakerState, ConnectionState, ConnectionStatus, Health, Lease
from crossdock.connections.states import CONNECTION, News
from crossdock.foundation.db import Tx

SENDING: Final = "send/"
"""Prefix of the lease under which a connection's sends run."""
REASON_MAX: Final = 500


class LeaseLostError(Exception):
    """Somebody else acts for this name now: drop what is in hand, write nothing."""


# --- state ---------------------------------------------------------------------------------------------------------


async def ensure(tx: Tx, names: Sequence[str]) -> None:
    """Make the estate's connections known; repeatable, changes no state."""
    await store.ensure(tx, names)


async def state_of(tx: Tx, name: str) -> ConnectionState:
    """Whether it may be used; an unknown one works."""
    return await store.state(tx, name) or ConnectionState.WORKING


async def broke(tx: Tx, name: str, reason: str, now: datetime) -> ConnectionBroken | None:
    """The other side refuses our credentials or configuration. The fact to append; None when that was known."""
    shown = reason[:REASON_MAX]
    if await _move(tx, name, News.BROKE, shown, now) is not ConnectionState.WORKING:
        return None
    return ConnectionBroken(connection=name, reason=shown)


async def restored(tx: Tx, name: str, now: datetime) -> ConnectionRestored | None:
    """A person has repaired it. The fact to append; None when it was not broken."""
    if await _move(tx, name, News.RESTORED, "", now) is not ConnectionState.BROKEN:
        return None
    return ConnectionRestored(connection=name)


async def stop(tx: Tx, name: str, reason: str, now: datetime) -> bool:
    """A person stops it: what it should send waits. False when it was stopped already."""
    return await _move(tx, name, News.STOPPED, reason[:REASON_MAX], now) is not ConnectionState.STOPPED


async def start(tx: Tx, name: str, now: datetime) -> bool:
    """A person starts it again. False when it was working."""
    return await _move(tx, name, News.STARTED, "", now) is not ConnectionState.WORKING


async def _move(tx: Tx, name: str, news: News, reason: str, now: datetime) -> ConnectionState:
    """Apply *news*; the state before."""
    await store.ensure(tx, [name])
    before = await store.state_locked(tx, name)
    assert before is not None, name
    after = CONNECTION[before, news]
    if after is not before:
        await store.set_state(tx, name, after, reason, now)
    return before


# --- health --------------------------------------------------------------------------------------------------------


async def note_health(tx: Tx, name: str, health: Health) -> None:
    """Keep what a process sees, for people; decisions use the process's own figures."""
    await store.note_health(tx, name, health)


async def statuses(tx: Tx) -> Sequence[ConnectionStatus]:
    """All connections, as a list for people."""
    return [
        replace(row, state=ConnectionState(row.state), breaker=BreakerState(row.breaker))
        for row in await store.list_all(tx, SENDING)
    ]


# --- leases --------------------------------------------------------------------------------------------------------


async def take_lease(tx: Tx, name: str, holder: str, span: timedelta) -> Lease | None:
    """The right to act for *name* for that long; None while another holder's has not run out."""
    token = await store.take_lease(tx, name, holder, span)
    return None if token is None else Lease(name=name, holder=holder, token=token)


async def renew_lease(tx: Tx, lease: Lease, span: timedelta) -> None:
    """Prolong it from now; LeaseLostError once another holder has it."""
    if not await store.renew_lease(tx, lease, span):
        raise LeaseLostError(lease.name)


async def hold_lease(tx: Tx, lease: Lease) -> None:
    """First statement of every write under a lease: LeaseLostError if it is not ours; nobody takes it before we commit."""
    if not await store.hold_lease(tx, lease):
        raise LeaseLostError(lease.name)


async def hold_to_send(tx: Tx, lease: Lease, connection: str) -> ConnectionState:
    """As `hold_lease`, and whether the connection may be used."""
    state = await store.hold_to_send(tx, lease, connection)
    if state is None:
        raise LeaseLostError(lease.name)
    return state


async def release_lease(tx: Tx, lease: Lease) -> None:
    """Give it back early."""
    await store.release_lease(tx, lease)
