"""A hot write: many requests of one route share a transaction, each gets its own answer."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

import psycopg
import psycopg_pool

from crossdock.assembly.hub import Hub
from crossdock.eventlog.service import Origin
from crossdock.foundation.commit import GroupCommit
from crossdock.foundation.db import Tx
from crossdock.foundation.ids import new_id
from crossdock.foundation.telemetry import correlation_of
from crossdock.gateway import idempotency
from crossdock.gateway.asgi import Answer, Request
from crossdock.gateway.idempotency import Claim
from crossdock.gateway.problems import Problem

Asked = TypeVar("Asked")
Result = Answer | Problem
TRANSIENT = (psycopg.OperationalError, psycopg_pool.PoolTimeout)


@dataclass(frozen=True, slots=True)
class Entry(Generic[Asked]):
    """One request in a batch: what it asks for, decoded and checked."""

    asked: Asked
    request: Request
    claim: Claim | None
    origin: Origin


Work = Callable[[Tx, Sequence[Entry[Asked]], datetime], Awaitable[Sequence[Result]]]
"""Decides a batch in one transaction: one result per entry, in order."""


class GroupedWrite(Generic[Asked]):
    """Runs *work* over whatever arrived during the last commit, with Idempotency-Key around it."""

    def __init__(self, hub: Hub, work: Work[Asked], *, batch_max: int = 512) -> None:
        self._hub = hub
        self._work = work
        self._commit: GroupCommit[Entry[Asked], Result] = GroupCommit(
            self._flush, batch_max=batch_max, transient=TRANSIENT
        )

    async def submit(self, request: Request, asked: Asked) -> Answer:
        """The answer, once durable; Problem when it is no."""
        origin = origin_of(request)
        result = await self._commit.submit(Entry(asked, request, idempotency.claim_of(request), origin))
        if isinstance(result, Problem):
            raise result
        return result

    async def close(self) -> None:
        """Finish what is waiting."""
        await self._commit.close()

    async def _flush(self, entries: Sequence[Entry[Asked]]) -> Sequence[Result]:
        now = self._hub.clock.now()
        async with self._hub.database.transaction() as tx:
            results = await self._decide(tx, entries, now)
        self._hub.hints.ring()
        return results

    async def _decide(self, tx: Tx, entries: Sequence[Entry[Asked]], now: datetime) -> Sequence[Result]:
        claims = [entry.claim for entry in entries if entry.claim is not None]
        if not claims:
            return await self._work(tx, entries, now)
        known = await idempotency.take(tx, claims, now=now)
        leaders: dict[tuple[UUID, str], int] = {}
        results: dict[int, Result] = {}
        for at, entry in enumerate(entries):
            if entry.claim is None:
                continue
            if entry.claim in known:
                results[at] = known[entry.claim]
            else:
                leaders.setdefault(entry.claim.name, at)
        asked = [
            at
            for at, entry in enumerate(entries)
            if at not in results and (entry.claim is None or leaders[entry.claim.name] == at)
        ]
        done = dict(zip(asked, await self._work(tx, [entries[at] for at in asked], now), strict=True))
        answered = [(claim, answer) for at, answer in done.items() if (claim := entries[at].claim) is not None]
        await idempotency.keep(tx, [(claim, _kept(answer)) for claim, answer in answered])
        results |= done
        for at, entry in enumerate(entries):
            if at not in results and entry.claim is not None:
                results[at] = results[leaders[entry.claim.name]]
        return [results[at] for at in range(len(entries))]


def _kept(result: Result) -> Answer:
    """A no is an answer too: the same request gets the same no."""
    return result if isinstance(result, Answer) else Answer(status=result.status, body=result.body())


def origin_of(request: Request) -> Origin:
    """The caller's trace when it sent one, else a new one."""
    header = request.headers.get(b"traceparent")
    asked = correlation_of(header.decode("latin-1")) if header else None
    return Origin(correlation_id=asked or new_id(), source=f"api:{request.caller.name}")
