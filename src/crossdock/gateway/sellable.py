"""What may be sold, answered from memory where that is safe.

Commits of this process drop what they touched before they are answered. Commits of other processes are followed: every
answer says how old it may be, and when nobody could look for a second the database is asked instead.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec
import psycopg

from crossdock.assembly.hub import Hub
from crossdock.availability import service as availability
from crossdock.availability.model import Availability
from crossdock.canonical.base import ReservationKey, Sku
from crossdock.canonical.orders import Mode
from crossdock.estate.model import Estate
from crossdock.eventlog import service as eventlog
from crossdock.foundation.commit import GroupCommit
from crossdock.foundation.lending import DatabaseBusyError
from crossdock.foundation.log import logger
from crossdock.foundation.tasks import end
from crossdock.gateway.memory import Kept, Memory, Way
from crossdock.gateway.problems import Problem
from crossdock.gateway.shedding import Reads

log = logger(__name__)

AGE_MAX_S: Final = 1.0
"""What others committed longer ago than this is in every answer."""
FOLLOW_S: Final = 0.1
"""Pause between two looks at what others committed, while anybody asks."""
CHANGES_MAX: Final = 20_000
"""With more changed items than this, it is cheaper to forget everything."""
TOGETHER_MAX: Final = 200
"""A question for more items that are not remembered is read by itself, not together with others."""
_ENCODE: Final = msgspec.json.Encoder().encode


class SellableItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One SKU's number."""

    sku: str
    channel: str = ""
    """Left out when the question names one channel."""
    sellable: Decimal
    backorder: Decimal | None = None
    """How many of them without goods; left out when none."""
    tracked: bool = True
    """False: the item has no number, it may be sold without one."""
    reasons: list[str] = []
    """Why the number is zero."""
    locations: dict[str, Decimal] | None = None
    """What each location can promise, where that was asked for; of a kit nothing."""


class Particular(NamedTuple):
    """What makes a question one that nobody else asks."""

    without_hold: ReservationKey | None
    by: datetime | None
    locations: bool


class Missing(NamedTuple):
    """Items of a question that are not remembered."""

    estate: Estate
    way: Way
    skus: Sequence[Sku]


class Sellable:
    """Answers for channels, in front of `availability`."""

    def __init__(self, hub: Hub, reads: Reads, memory: Memory) -> None:
        self._hub = hub
        self._reads = reads
        self._memory = memory
        self._estate: Estate | None = None
        self._asked = asyncio.Event()
        self._horizon: int | None = None
        self._followed_at = float("-inf")
        self._together: GroupCommit[Missing, Mapping[Sku, msgspec.Raw]] = GroupCommit(
            self._read, batch_max=256, transient=(Problem, DatabaseBusyError, psycopg.OperationalError)
        )

    async def items(self, estate: Estate, way: Way, skus: Sequence[Sku]) -> tuple[Sequence[msgspec.Raw], float]:
        """Each item's answer, and how many seconds ago others may have committed what is not in it."""
        clock, memory = self._hub.clock, self._memory
        self._asked.set()
        if estate is not self._estate:
            memory.clear()
            self._estate = estate
        began, now = clock.monotonic(), clock.now()
        followed_at = self._followed_at
        known: dict[Sku, msgspec.Raw] = {}
        if began - followed_at <= AGE_MAX_S:
            for sku in skus:
                item = memory.find(sku, way, now)
                if item is not None:
                    known[sku] = item
        since = followed_at if known else began
        missing = [sku for sku in skus if sku not in known] if len(known) < len(skus) else ()
        if missing:
            asked = Missing(estate, way, missing)
            if len(missing) > TOGETHER_MAX:
                known.update((await self._read([asked]))[0])
            else:
                known.update(await self._together.submit(asked))
        return [known[sku] for sku in skus], clock.monotonic() - since

    async def items_anew(
        self, asked: Particular, estate: Estate, way: Way, skus: Sequence[Sku]
    ) -> tuple[Sequence[msgspec.Raw], float]:
        """The same for a question that nobody else asks: nothing is remembered."""
        began, now = self._hub.clock.monotonic(), self._hub.clock.now()
        channel, mode = way
        async with self._reads.transaction() as tx:
            found = await availability.query(
                tx,
                estate,
                [(sku, channel) for sku in skus],
                now=now,
                mode=mode,
                without_hold=asked.without_hold,
                by=asked.by,
            )
        items = [msgspec.Raw(_ENCODE(_item(each, locations=asked.locations))) for each in found]
        return items, self._hub.clock.monotonic() - began

    async def _read(self, questions: Sequence[Missing]) -> Sequence[Mapping[Sku, msgspec.Raw]]:
        """Everything that is asked at once in one look."""
        wanted: dict[tuple[int, Mode], list[Missing]] = {}
        for question in questions:
            wanted.setdefault((id(question.estate), question.way[1]), []).append(question)
        found: dict[tuple[Way, Sku], msgspec.Raw] = {}
        now = self._hub.clock.now()
        with self._memory.reading() as reading:
            async with self._reads.quick() as tx:
                # First: whatever it calls seen, all that follows sees.
                seen = await eventlog.ask_horizon(tx)
                horizon: int | None = None
                for (_, mode), asked in wanted.items():
                    estate = asked[0].estate
                    pairs = dict.fromkeys((sku, each.way[0]) for each in asked for sku in each.skus)
                    standings = await availability.standing(tx, estate, list(pairs), now=now, mode=mode)
                    if horizon is None:
                        horizon = (await seen.rows())[0].place
                    for standing in standings:
                        answer = standing.availability
                        way = (answer.channel, mode)
                        item = found[way, answer.sku] = msgspec.Raw(_ENCODE(_item(answer)))
                        if estate is self._estate:
                            kept = Kept(item, standing.until, horizon, standing.parts)
                            self._memory.keep(reading, answer.sku, way, kept)
        return [{sku: found[question.way, sku] for sku in question.skus} for question in questions]

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Follow what other processes commit while inside, as long as anybody asks."""
        task = asyncio.create_task(self._follow_on(), name="follow stock")
        try:
            yield
        finally:
            await end([task])
            await self._together.close()

    async def _follow_on(self) -> None:
        while True:
            await self._asked.wait()
            self._asked.clear()
            try:
                await self.follow()
            except (psycopg.Error, DatabaseBusyError) as error:
                log.debug("stock_not_followed", error=str(error).strip())
            await self._hub.clock.sleep(FOLLOW_S)

    async def follow(self) -> None:
        """Look once at what was committed since the last look."""
        began = self._hub.clock.monotonic()
        horizon = self._horizon if began - self._followed_at <= AGE_MAX_S else None
        async with self._hub.database.pipelined(patience_s=AGE_MAX_S) as tx:
            changes = await availability.changed_since(tx, horizon, limit=CHANGES_MAX)
        if changes.items is None:
            self._memory.clear()
        else:
            self._memory.drop_changed(changes.items)
        self._horizon = changes.horizon
        self._followed_at = began


def _item(each: Availability, *, locations: bool = False) -> SellableItem:
    return SellableItem(
        sku=each.sku,
        sellable=each.sellable,
        backorder=each.backorder or None,
        tracked=each.tracked,
        reasons=[reason.value for reason in each.reasons] if each.sellable == 0 else [],
        locations={term.location: term.atp for term in each.locations} if locations else None,
    )


def whole_seconds(age_s: float) -> int:
    """As the `Age` header says it (RFC 9111): never younger than it is."""
    return int(-(-age_s // 1))
