"""A hot write: many requests of one route share a transaction, each gets its own answer."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from typing import Final, Generic, NamedTuple, TypeVar
from uuid import UUID

import msgspec
import psycopg

from crossdock.assembly.hub import Hub
from crossdock.canonical.base import Sku
from crossdock.eventlog.service import Origin
from crossdock.foundation.commit import GroupCommit
from crossdock.foundation.db import Tx
from crossdock.foundation.ids import new_id
from crossdock.foundation.telemetry import correlation_of
from crossdock.gateway import idempotency
from crossdock.gateway.asgi import Answer, Request
from crossdock.gateway.idempotency import Claim, KeyTakenMeanwhileError, Name
from crossdock.gateway.memory import Memory
from crossdock.gateway.meters import Meters
from crossdock.gateway.patience import PATIENCE_S
from crossdock.gateway.problems import Problem

Asked = TypeVar("Asked")
Result = Answer | Problem

AGAIN: Final = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure, KeyTakenMeanwhileError)
TRANSIENT: Final = (psycopg.OperationalError,)


class Entry(msgspec.Struct, Generic[Asked], frozen=True):
    """One request in a batch: what it asks for, decoded and checked."""

    asked: Asked
    request: Request
    claim: Claim | None


class Decided(NamedTuple):
    """One result per entry, in order, and the items whose numbers may be others now."""

    results: Sequence[Result]
    touched: Collection[Sku] = ()


Work = Callable[[Tx, Sequence[Entry[Asked]], datetime], Awaitable[Decided]]
"""Decides a batch in one transaction."""


class GroupedWrite(Generic[Asked]):
    """Runs *work* over whatever arrived during the last commit, with Idempotency-Key around it."""

    def __init__(
        self,
        name: str,
        hub: Hub,
        meters: Meters,
        memory: Memory,
        work: Work[Asked],
        *,
        batch_max: int = 512,
        writers: int = 1,
    ) -> None:
        self._name = name
        self._hub = hub
        self._meters = meters
        self._memory = memory
        self._work = work
        self._commit: GroupCommit[Entry[Asked], Result] = GroupCommit(
            self._flush,
            batch_max=batch_max,
            writers=writers,
            again=AGAIN,
            transient=TRANSIENT,
        )
        meters.queue(name, lambda: self.waiting)

    @property
    def waiting(self) -> int:
        """Requests that no commit has taken yet."""
        return self._commit.waiting

    async def submit(self, request: Request, asked: Asked) -> Answer:
        """The answer, once durable; Problem when it is no."""
        claim = idempotency.claim_of(request, self._hub.vault)
        result = await self._commit.submit(Entry(asked, request, claim))
        if isinstance(result, Problem):
            raise result
        return result

    async def close(self) -> None:
        """Finish what is waiting."""
        await self._commit.close()

    async def _flush(self, entries: Sequence[Entry[Asked]]) -> Sequence[Result]:
        began = self._hub.clock.monotonic()
        now = self._hub.clock.now()
        try:
            async with self._hub.database.pipelined(patience_s=PATIENCE_S) as tx:
                results, touched = await self._decide(tx, entries, now)
        except BaseException as error:
            self._memory.clear()  # it may have been committed all the same
            self._meters.failed(self._name, error, self._hub.clock.monotonic())
            raise
        self._memory.drop(touched)
        self._meters.committed(self._name, len(entries), self._hub.clock.monotonic() - began)
        self._hub.hints.ring()
        return results

    async def _decide(self, tx: Tx, entries: Sequence[Entry[Asked]], now: datetime) -> Decided:
        """The first entry of each Idempotency-Key is decided, its twins get the same answer."""
        claims = [entry.claim for entry in entries if entry.claim is not None]
        if not claims:
            return await self._work(tx, entries, now)
        known = await idempotency.known(tx, claims)
        results: dict[int, Result] = {}
        leaders: dict[Name, int] = {}
        followers: dict[int, int] = {}
        asked: list[int] = []
        touched: Collection[Sku] = ()
        for at, claim in enumerate(entry.claim for entry in entries):
            if claim is None:
                asked.append(at)
            elif claim.name in known:
                results[at] = idempotency.repeated(claim, known[claim.name])
            elif (leader := leaders.setdefault(claim.name, at)) == at:
                asked.append(at)
            elif entries[leader].claim == claim:
                followers[at] = leader
            else:
                results[at] = Problem("key-reused")
        if asked:
            done, touched = await self._work(tx, [entries[at] for at in asked], now)
            results.update(zip(asked, done, strict=True))
        answers = [(claim, _kept(results[at])) for at in asked if (claim := entries[at].claim) is not None]
        await idempotency.keep(tx, answers, now=now)
        results.update({at: results[leader] for at, leader in followers.items()})
        return Decided([results[at] for at in range(len(entries))], touched)


def _kept(result: Result) -> Answer:
    """A no is an answer too: the same request gets the same no."""
    return result if isinstance(result, Answer) else Answer(status=result.status, body=result.body())


def origin_of(request: Request) -> Origin:
    """Who asks, in the caller's trace."""
    return Origin(correlation_id=trace_of(request), source=f"api:{request.caller.name}")


def trace_of(request: Request) -> UUID:
    """The caller's trace when it sent one, else a new one."""
    header = request.headers.get(b"traceparent")
    asked = correlation_of(header.decode("latin-1")) if header else None
    return asked or new_id()
