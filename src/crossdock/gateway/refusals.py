"""Requests that were turned away: counted, logged, and told to people when nothing else comes from a sender."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, NamedTuple

from crossdock.assembly.hub import Hub
from crossdock.estate.service import NoEstateError
from crossdock.foundation.clock import Clock
from crossdock.foundation.db import Tx
from crossdock.foundation.log import logger
from crossdock.foundation.tasks import end
from crossdock.foundation.visible import on_one_line
from crossdock.gateway.asgi import ASGIScope
from crossdock.gateway.keys import Caller, former, presented
from crossdock.gateway.meters import Meters
from crossdock.gateway.problems import Problem
from crossdock.operations.refused import service as refused
from crossdock.operations.refused.service import Refused

log = logger(__name__)

EVERY_S: Final = 1.0
IN_A_ROW: Final = 5
"""Fewer are somebody's typing mistake, which he sees."""
SENDERS_MAX: Final = 10_000
"""Of how many senders and routes a process keeps count: beyond it, it begins anew."""
ADDRESSES_MAX: Final = 20
"""Unknown callers that are told of one by one: a scan must not fill the list of exceptions."""
REASON_MAX: Final = 200
OTHERS: Final = "other"
"""The route of requests for which there is none."""
MEANT: Final = frozenset(
    {
        "bad-signature",
        "conflict",
        "forbidden",
        "invalid",
        "key-reused",
        "malformed",
        "reference-reused",
        "reservation-key-reused",
        "too-large",
        "unauthenticated",
        "unsupported-media-type",
    }
)
"""Problems that the same request meets again. The others are ordinary answers, or pass."""
_ADDRESS: Final = "address/"


class Asker(NamedTuple):
    """Who asks."""

    who: str
    """`connection/NAME`, `key/NAME` or `address/IP`."""
    digest: bytes = b""
    """Of the key that no caller has."""

    @property
    def known(self) -> bool:
        """More than an address."""
        return not self.who.startswith(_ADDRESS)


class Sender(NamedTuple):
    """Who asks, and for what."""

    who: str
    route: str


@dataclass(slots=True, kw_only=True)
class Streak:
    """Refusals without anything taken in between."""

    since: datetime
    count: int = 0
    told: int = 0
    logged: int = 0
    reason: str = ""
    problem: str = ""
    digest: bytes = b""
    """Of the key that nobody knows."""

    @property
    def to_tell(self) -> bool:
        """At five, and whenever twice as many have come."""
        return self.count >= max(IN_A_ROW, 2 * self.told)


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What has happened since somebody asked last."""

    risen: Mapping[Sender, Streak] = field(default_factory=dict)
    crowd: frozenset[Sender] = frozenset()
    """Of those, unknown callers beyond the first: told of only where their key had a name once."""
    ended: Sequence[Sender] = ()


class Refusals:
    """One process's refused requests. A request that is taken in costs one look into a set."""

    def __init__(self, meters: Meters, clock: Clock) -> None:
        self._meters = meters
        self._clock = clock
        self._sound: set[Sender] = set()
        self._streaks: dict[Sender, Streak] = {}
        self._ended: set[Sender] = set()

    def taken(self, asker: Asker, route: str) -> None:
        """A request was taken in."""
        sender = Sender(asker.who, route)
        if sender in self._sound:
            return
        if len(self._sound) >= SENDERS_MAX:
            self._sound.clear()
        self._sound.add(sender)
        self._streaks.pop(sender, None)
        self._ended.add(sender)  # of a process before this one, perhaps

    def refused(self, asker: Asker | None, route: str, problem: Problem) -> None:
        """A request was not."""
        self._meters.refused(route, problem.kind)
        if problem.kind not in MEANT or asker is None:
            return
        sender = Sender(asker.who, route)
        self._sound.discard(sender)
        self._ended.discard(sender)
        streak = self._streaks.get(sender)
        if streak is None:
            if len(self._streaks) >= SENDERS_MAX:
                self._streaks.clear()
            streak = self._streaks[sender] = Streak(since=self._clock.now())
        streak.count += 1
        streak.problem, streak.reason, streak.digest = problem.kind, _reason(problem), asker.digest

    def unlogged(self) -> Mapping[Sender, tuple[int, Streak]]:
        """How many came since the last call."""
        fresh = {sender: (each.count - each.logged, each) for sender, each in self._streaks.items()}
        for streak in self._streaks.values():
            streak.logged = streak.count
        return {sender: told for sender, told in fresh.items() if told[0]}

    def news(self) -> News:
        """What is to be told to people."""
        unknown = frozenset([sender for sender in self._streaks if sender.who.startswith(_ADDRESS)][ADDRESSES_MAX:])
        risen = {
            sender: replace(each)
            for sender, each in self._streaks.items()
            if each.to_tell and (sender not in unknown or each.digest)
        }
        return News(risen=risen, crowd=unknown & risen.keys(), ended=sorted(self._ended))

    def told(self, news: News) -> None:
        """It was."""
        self._ended.difference_update(news.ended)
        for sender, each in news.risen.items():
            if sender in self._streaks:
                self._streaks[sender].told = each.count


def asker_of(caller: Caller) -> Asker:
    """The owner of a valid key."""
    return Asker(f"key/{caller.name}")


def stranger(scope: ASGIScope, authorization: bytes | None) -> Asker | None:
    """Somebody without one."""
    client = scope.get("client")
    return Asker(f"{_ADDRESS}{client[0]}", presented(authorization)) if client else None


def _reason(problem: Problem) -> str:
    wrong = problem.errors[0] if problem.errors else None
    said = f"{wrong.path} {wrong.reason}" if wrong is not None else problem.detail
    return on_one_line(f"{problem.title}: {said}"[:REASON_MAX]) if said else problem.title


@asynccontextmanager
async def telling(hub: Hub, refusals: Refusals) -> AsyncIterator[None]:
    """Log and tell once a second while inside."""
    task = asyncio.create_task(_tell_on(hub, refusals), name="tell refusals")
    try:
        yield
    finally:
        await end([task])


async def _tell_on(hub: Hub, refusals: Refusals) -> None:
    while True:
        await hub.clock.sleep(EVERY_S)
        for sender, (count, streak) in refusals.unlogged().items():
            log.warning(
                "requests_refused",
                who=sender.who,
                route=sender.route,
                count=count,
                problem=streak.problem,
                reason=streak.reason,
            )
        news = refusals.news()
        if news.risen or news.ended:
            try:
                await _tell(hub, news)
            except NoEstateError:
                continue  # nobody owns anything yet
            except Exception as error:  # noqa: BLE001 (who tells of refusals must not fall silent himself)
                log.warning("refusals_not_told", error=f"{type(error).__name__}: {error}".strip())
                continue  # told the next time
            refusals.told(news)


async def _tell(hub: Hub, news: News) -> None:
    now = hub.clock.now()
    async with hub.database.transaction() as tx:
        estate = await hub.estate.get(tx)
        for sender in news.ended:
            await refused.taken(tx, *sender, now=now)
        for sender, streak in news.risen.items():
            who, reason = await _known(tx, sender, streak)
            if sender in news.crowd and who == sender.who:
                continue
            told = Refused(who=who, route=sender.route, count=streak.count, since=streak.since, reason=reason)
            await refused.tell(tx, estate, told, now=now)


async def _known(tx: Tx, sender: Sender, streak: Streak) -> tuple[str, str]:
    """A key that is valid no more still has a name."""
    key = await former(tx, streak.digest) if streak.digest else None
    if key is None:
        return sender.who, streak.reason
    return f"key/{key.name}", f'the key "{key.name}" {key.ended} and is still used from {sender.who}'
