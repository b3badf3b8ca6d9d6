"""The counter at which a batch is served: its positions locked, its lapsed holds ended, its entries written once."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, Self

from crossdock.canonical.base import Document, ReservationKey
from crossdock.canonical.facts import StockCovered
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.db import Tx
from crossdock.inventory import store as ledger
from crossdock.inventory.model import ZERO, Account, Position, PositionKey, Posting
from crossdock.inventory.posting import store as posting_store
from crossdock.inventory.reservations import rules, store
from crossdock.inventory.reservations.model import Claim
from crossdock.inventory.rules import Books, opened, post, short
from crossdock.inventory.waiting import service as waiting
from crossdock.inventory.waiting.model import Basis, Promise, Wait
from crossdock.inventory.waiting.rules import Turn

_TRIES_MAX: Final = 8
_ROUNDS_MAX: Final = 20
"""Of those who wait at one place, so many times as many as are looked at in one go get their goods at once; the others
with the next movement there."""
LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
UNDER_WAY: Final = frozenset({Account.ON_ORDER, Account.IN_TRANSIT})
DAYS: Final = UNDER_WAY | {Account.DATED}
"""What is under way, and who counts on it: where it changes, or somebody lets go of it, days are looked at."""


class ClaimsKeepMovingError(Exception):
    """Claims were moved to new positions again and again while we waited for their locks: try the batch again."""


class Desk:
    """One batch's locked positions, moved on by each decision, and what is to be written at the end."""

    def __init__(self, tx: Tx, now: datetime) -> None:
        self._tx = tx
        self._now = now
        self._postings: list[Posting] = []
        self._written = 0
        self._opened: list[Claim] = []
        self._limits: dict[PositionKey, Decimal] = {}
        self.before: dict[PositionKey, Position] = {}
        self._batch = waiting.Batch()
        self.books: Books = self._batch.books
        self.lapsed = 0
        self._landed: list[Turn] = []
        self._late: list[Turn] = []

    @classmethod
    async def open(
        cls, tx: Tx, positions: set[PositionKey], *, now: datetime, make: bool = False, thorough: bool = False
    ) -> Self:
        """Lock *positions* in key order and end the holds that have lapsed there. *make* makes missing rows.

        *thorough*: even what somebody whose clock is wrong has left behind.
        """
        desk = cls(tx, now)
        await desk._lock(positions, make=make, thorough=thorough)
        return desk

    @classmethod
    async def open_for(
        cls,
        tx: Tx,
        keys: Collection[ReservationKey],
        positions: Collection[PositionKey] = (),
        *,
        now: datetime,
        make: bool = False,
    ) -> tuple[Self, dict[ReservationKey, Sequence[Claim]]]:
        """Lock *positions* and wherever the reservations have units, and read their claims under these locks."""
        desk = cls(tx, now)
        wanted = set(positions) | {claim.position for claim in await store.claims_of(tx, keys) if claim.remaining}
        for _ in range(_TRIES_MAX):
            await desk._lock(wanted - desk.before.keys(), make=make)
            claims = await store.claims_of(tx, keys)
            standing = {claim.position for claim in claims if claim.remaining}
            if standing <= desk.before.keys():
                return desk, _by_key(keys, desk.as_changed(claims))
            wanted = standing
        raise ClaimsKeepMovingError(f"reservations {sorted(keys)[:5]}")

    async def _lock(self, positions: set[PositionKey], *, make: bool, thorough: bool = False) -> None:
        if not positions:
            return
        found = await ledger.lock(self._tx, positions, make=make)
        self.before |= {position.key: position for position in found}
        self.books |= opened(found)
        if any(position.held or position.dated or position.backordered for position in found):
            since = {position.key: rules.lapses_ended_until(position) for position in found}
            due = await store.lapsed(self._tx, dict.fromkeys(since, LONG_AGO) if thorough else since, self._now)
            for posting, claim in rules.lapse(due, self.books):
                self.write([posting], [claim])
                self.lapsed += 1
            if self.lapsed:
                await self._serve(floor=False)

    def as_changed(self, claims: Iterable[Claim]) -> Sequence[Claim]:
        """Claims as this batch has changed them so far."""
        return self._batch.as_changed(claims)

    def enter(self, postings: Iterable[Posting]) -> None:
        """Move the books by entries that nobody has applied yet, and write them at the end."""
        self._note([post(self.books, posting) for posting in postings])

    def write(self, postings: Iterable[Posting], claims: Iterable[Claim] = ()) -> None:
        """Write entries that the rules have applied to the books, and their claims, at the end."""
        self._note(postings)
        for claim in claims:
            self._batch.changed[claim.key, claim.ground] = claim

    def _note(self, postings: Iterable[Posting]) -> None:
        for posting in postings:
            self._postings.append(posting)
            if posting.source in DAYS or posting.target in UNDER_WAY:
                self._batch.reviewed.add(posting.position)

    def open_claims(self, claims: Iterable[Claim], waits: Sequence[Wait] = (), promise: Promise | None = None) -> None:
        """Write claims of a new reservation at the end; *waits* are those that have no goods.

        Who asked for no day gets the earliest that is free, if any.
        """
        if not waits:
            self._opened.extend(claims)
            return
        for claim in claims:
            self._batch.promises[claim.key] = promise or Promise(self._now, ZERO, ZERO)
            if claim.basis is Basis.GOODS:
                self._opened.append(claim)
            else:
                self._batch.changed[claim.key, claim.ground] = claim
        queued = [wait for wait in waits if wait.basis is Basis.BACKORDER]
        for wait in queued:
            self._limits[wait.position] = max(wait.limit, self._limits.get(wait.position, wait.limit))
        if len(queued) == len(waits):
            self.review(wait.position for wait in queued)

    def let_wait(self, position: PositionKey, limit: Decimal) -> None:
        """So many units may wait at a position, because goods that they were promised are gone. They may get a day."""
        self._limits[position] = max(limit, self._limits.get(position, limit))
        self._batch.reviewed.add(position)

    def review(self, positions: Iterable[PositionKey]) -> None:
        """What is under way to these positions has changed: at the end, look at the days that were promised there."""
        self._batch.reviewed |= {position for position in positions if position in self.books}

    @property
    def causes(self) -> Mapping[PositionKey, str]:
        """The positions that entries touched, each with its last cause."""
        return {posting.position: f"{posting.kind} {posting.key}" for posting in self._postings}

    async def close(self, *, origin: Origin, floor: bool) -> None:
        """Serve those who wait, then write everything in one go. Only with *floor* may promises exceed the goods.

        Where more wait than are looked at in one go, the others have their turn after these are written: before anybody new.
        """
        for _ in range(_ROUNDS_MAX):
            goods_left = await self._serve(floor=floor)
            await self._write(origin=origin, floor=floor)
            if not goods_left:
                break
        covered = [
            _new(key, StockCovered(sku=key.sku, location=key.location), self._now, origin)
            for key, position in self.before.items()
            if position.short and not short(self.books[key])
        ]
        await eventlog.append(self._tx, covered)

    async def _write(self, *, origin: Origin, floor: bool) -> None:
        postings = self._postings[self._written :]
        if postings:
            await posting_store.write(
                self._tx, postings, origin=origin, now=self._now, facts=floor, limits=self._limits
            )
            self._written = len(self._postings)
        if self._opened:
            await store.open_claims(self._tx, self._opened)
            self._opened = []
        if self._batch.changed:
            await store.change_claims(self._tx, list(self._batch.changed.values()))
            self._batch.changed = {}
        turned = [*waiting.landed_facts(self._landed), *waiting.late_facts(self._late)]
        await eventlog.append(self._tx, [_new(position, fact, self._now, origin) for position, fact in turned])
        self._landed, self._late = [], []

    async def _serve(self, *, floor: bool) -> bool:
        """Goods that have become available go to those who wait for them there, before anybody else; True when there are
        more than those who were looked at could take.
        """
        served = await waiting.serve(self._tx, self._batch, now=self._now, floor=floor)
        for turn in served.turns:
            self.write(turn.postings, turn.changed)
        self._landed += served.landed
        self._late += served.late
        return served.goods_left


def stream_of(position: PositionKey) -> str:
    """The event stream of a position."""
    return f"stock/{position.sku}@{position.location}"


def _new(position: PositionKey, fact: Document, now: datetime, origin: Origin) -> NewFact:
    return NewFact(stream=stream_of(position), fact=fact, happened_at=now, origin=origin)


def _by_key(keys: Iterable[ReservationKey], claims: Iterable[Claim]) -> dict[ReservationKey, Sequence[Claim]]:
    found: dict[ReservationKey, list[Claim]] = {key: [] for key in keys}
    for claim in claims:
        found[claim.key].append(claim)
    return dict(found)
