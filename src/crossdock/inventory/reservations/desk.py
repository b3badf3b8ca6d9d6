"""The counter at which a batch is served: its positions locked, its lapsed holds ended, its entries written once."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Self

from crossdock.canonical.base import ReservationKey
from crossdock.eventlog.service import Origin
from crossdock.foundation.db import Tx
from crossdock.inventory import store as ledger
from crossdock.inventory.model import Position, PositionKey, Posting
from crossdock.inventory.posting import store as posting_store
from crossdock.inventory.reservations import rules, store
from crossdock.inventory.reservations.model import Claim
from crossdock.inventory.rules import Books, opened, post

_TRIES_MAX = 8
LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


class ClaimsKeepMovingError(Exception):
    """Claims were moved to new positions again and again while we waited for their locks: try the batch again."""


class Desk:
    """One batch's locked positions, moved on by each decision, and what is to be written at the end."""

    def __init__(self, tx: Tx, now: datetime) -> None:
        self._tx = tx
        self._now = now
        self._postings: list[Posting] = []
        self._opened: list[Claim] = []
        self._changed: dict[tuple[ReservationKey, PositionKey], Claim] = {}
        self.before: dict[PositionKey, Position] = {}
        self.books: Books = {}
        self.lapsed = 0

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
                return desk, _by_key(keys, desk._as_changed(claims))
            wanted = standing
        raise ClaimsKeepMovingError(f"reservations {sorted(keys)[:5]}")

    async def _lock(self, positions: set[PositionKey], *, make: bool, thorough: bool = False) -> None:
        if not positions:
            return
        found = await ledger.lock(self._tx, positions, make=make)
        self.before |= {position.key: position for position in found}
        self.books |= opened(found)
        if any(position.held for position in found):
            since = {position.key: rules.lapses_ended_until(position) for position in found}
            due = await store.lapsed(self._tx, dict.fromkeys(since, LONG_AGO) if thorough else since, self._now)
            for posting, claim in rules.lapse(due, self.books):
                self.write([posting], [claim])
                self.lapsed += 1

    def _as_changed(self, claims: Iterable[Claim]) -> Sequence[Claim]:
        return [self._changed.get((claim.key, claim.position), claim) for claim in claims]

    def enter(self, postings: Iterable[Posting]) -> None:
        """Move the books by entries that nobody has applied yet, and write them at the end."""
        self._postings.extend(post(self.books, posting) for posting in postings)

    def write(self, postings: Iterable[Posting], claims: Iterable[Claim] = ()) -> None:
        """Write entries that the rules have applied to the books, and their claims, at the end."""
        self._postings.extend(postings)
        for claim in claims:
            self._changed[claim.key, claim.position] = claim

    def open_claims(self, claims: Iterable[Claim]) -> None:
        """Write claims of new reservations at the end."""
        self._opened.extend(claims)

    @property
    def causes(self) -> Mapping[PositionKey, str]:
        """The positions that entries touched, each with its last cause."""
        return {posting.position: f"{posting.kind} {posting.key}" for posting in self._postings}

    async def close(self, *, origin: Origin, floor: bool) -> None:
        """Write everything in one go. Only with *floor* may promises exceed the goods afterwards."""
        if self._postings:
            await posting_store.write(self._tx, self._postings, origin=origin, now=self._now, facts=floor)
        if self._opened:
            await store.open_claims(self._tx, self._opened)
        if self._changed:
            await store.change_claims(self._tx, list(self._changed.values()))


def _by_key(keys: Iterable[ReservationKey], claims: Iterable[Claim]) -> dict[ReservationKey, Sequence[Claim]]:
    found: dict[ReservationKey, list[Claim]] = {key: [] for key in keys}
    for claim in claims:
        found[claim.key].append(claim)
    return dict(found)
