"""Reserve, and end reservations. Every call serves a batch in one pass, in the order in which it was given."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from crossdock.canonical.base import ReservationKey
from crossdock.eventlog.service import Origin
from crossdock.foundation.apart import apart
from crossdock.foundation.db import Tx
from crossdock.inventory import store as ledger
from crossdock.inventory.findings import raise_findings
from crossdock.inventory.model import KeyReused, PositionKey, Posting
from crossdock.inventory.operations import Operations
from crossdock.inventory.reservations import rules, store
from crossdock.inventory.reservations.desk import LONG_AGO, Desk
from crossdock.inventory.reservations.model import (
    ArrivedExpired,
    Claim,
    CommitHold,
    CommitOutcome,
    Committed,
    Consume,
    Consumed,
    ConsumeOutcome,
    Extended,
    ExtendHold,
    ExtendOutcome,
    Grant,
    Ground,
    HoldExpired,
    Move,
    Moved,
    MoveOutcome,
    NotActive,
    OutOfStock,
    Placer,
    Release,
    Released,
    ReleaseOutcome,
    Reserved,
    ReserveOutcome,
    ReserveRequest,
    Shortage,
    TakenOver,
    UnknownReservation,
)
from crossdock.inventory.states import Act, State, after
from crossdock.inventory.waiting import store as waiting
from crossdock.inventory.waiting.model import GOODS_ONLY, Basis
from crossdock.inventory.waiting.rules import Timetables

DATED_MAX = 100_000
"""Waiting claims per position that a request with a day is decided against: all of them."""


class Shortfall(msgspec.Struct, frozen=True, omit_defaults=True):
    """How an answer that is not a full grant is remembered."""

    shortages: tuple[Shortage, ...] = ()
    arrived_expired: bool = False


async def reserve(
    tx: Tx,
    requests: Sequence[ReserveRequest],
    *,
    origin: Origin,
    now: datetime,
    placer: Placer = rules.place,
) -> Sequence[ReserveOutcome]:
    """Answer many requests in their order, as if each were alone; a key that was answered before gets that answer.

    Refusals are remembered too: after one, ask again under another key. Four to six statements, however many requests.
    """
    if not requests:
        return ()
    prints = [rules.request_print(request) for request in requests]
    first = {request.key: n for n, request in reversed(list(enumerate(requests)))}
    asked = sorted(first.values())
    fresh = await store.begin(
        tx,
        [requests[n] for n in asked],
        [prints[n] for n in asked],
        correlation_id=origin.correlation_id,
        source=origin.source,
        now=now,
    )
    outcomes: dict[ReservationKey, ReserveOutcome] = {}
    known = [key for key in first if key not in fresh]
    meanings = {key: prints[n] for key, n in first.items()}
    if known:
        repeated, said = await _repeated(tx, known)
        outcomes.update(repeated)
        meanings.update(said)
    if fresh:
        to_decide = [requests[n] for n in asked if requests[n].key in fresh]
        outcomes.update(await _decided(tx, to_decide, origin=origin, now=now, placer=placer))
    return [
        outcomes[request.key] if meanings[request.key] == meant else KeyReused(request.key)
        for request, meant in zip(requests, prints, strict=True)
    ]


async def _decided(
    tx: Tx, requests: Sequence[ReserveRequest], *, origin: Origin, now: datetime, placer: Placer
) -> Mapping[ReservationKey, ReserveOutcome]:
    positions = {
        PositionKey(line.sku, location, line.condition)
        for request in requests
        for line in request.lines
        for location in line.locations
    }
    beyond = [request for request in requests if request.reach != GOODS_ONLY]
    if beyond:  # who waits where nothing ever was waits there all the same
        await ledger.make(
            tx,
            {
                PositionKey(line.sku, line.locations[0], line.condition)
                for request in beyond
                for line in request.lines
                if line.locations
            },
        )
    desk = await Desk.open(tx, positions, now=now)
    timetables = await _timetables(tx, beyond, desk)
    outcomes: dict[ReservationKey, ReserveOutcome] = {}
    shortfalls: dict[ReservationKey, str] = {}
    for request in requests:
        outcome, postings, waits = rules.decide(request, desk.books, now, placer, timetables)
        outcomes[request.key] = outcome
        desk.write(postings)
        if isinstance(outcome, Reserved):
            desk.open_claims(rules.opened_claims(request, outcome, waits), waits, request.promise)
        if not isinstance(outcome, Reserved) or outcome.shortages:
            shortfalls[request.key] = msgspec.json.encode(_shortfall(outcome)).decode()
    await desk.close(origin=origin, floor=False)
    if shortfalls:
        await store.keep_shortfalls(tx, shortfalls)
    return outcomes


async def _timetables(tx: Tx, requests: Sequence[ReserveRequest], desk: Desk) -> Timetables:
    """What comes to the locked positions that requests with a day may claim."""
    positions = {
        PositionKey(line.sku, location, line.condition)
        for request in requests
        if request.reach.dated_until is not None
        for line in request.lines
        for location in line.locations
    } & desk.books.keys()
    if not positions:
        return Timetables()
    standing = await waiting.waiting_at(tx, positions, limit=DATED_MAX)
    return Timetables.of(await waiting.coming_to(tx, positions), desk.as_changed([each.claim for each in standing]))


def _shortfall(outcome: Reserved | OutOfStock | ArrivedExpired) -> Shortfall:
    if isinstance(outcome, ArrivedExpired):
        return Shortfall(arrived_expired=True)
    return Shortfall(shortages=outcome.shortages)


async def _repeated(
    tx: Tx, keys: Sequence[ReservationKey]
) -> tuple[Mapping[ReservationKey, ReserveOutcome], Mapping[ReservationKey, bytes]]:
    answers = await store.answered(tx, keys)
    granted: dict[ReservationKey, list[Grant]] = {key: [] for key in keys}
    for claim in await store.claims_of(tx, keys):
        if claim.granted:
            granted[claim.key].append(Grant(claim.position, claim.granted, claim.basis))
    outcomes: dict[ReservationKey, ReserveOutcome] = {}
    for key, answer in answers.items():
        kept = Shortfall() if answer.shortfall is None else msgspec.convert(answer.shortfall, Shortfall)
        if kept.arrived_expired:
            assert answer.expires_at is not None, key
            outcomes[key] = ArrivedExpired(key, answer.expires_at)
        elif granted[key]:
            outcomes[key] = Reserved(
                key, tuple(sorted(granted[key], key=rules.as_answered)), answer.expires_at, kept.shortages
            )
        else:
            outcomes[key] = OutOfStock(key, kept.shortages)
    return outcomes, {key: answer.fingerprint for key, answer in answers.items()}


async def commit(tx: Tx, commits: Sequence[CommitHold], *, origin: Origin, now: datetime) -> Sequence[CommitOutcome]:
    """Turn holds into allocations. At or after its deadline a hold is refused: its units may be somebody else's.

    Who names an owner takes the reservation over, held or committed; a second one is told whose it is.
    """
    owners: Mapping[ReservationKey, str] = {}
    if taking := {request.key: request.owner for request in reversed(commits) if request.owner}:
        await store.take_over(tx, taking)
        owners = await store.owners_of(tx, list(taking))
    desk, standing = await Desk.open_for(tx, {request.key for request in commits}, now=now)
    outcomes: list[CommitOutcome] = []
    for request in commits:
        mine = standing[request.key]
        if request.owner and owners.get(request.key, request.owner) != request.owner:
            outcomes.append(TakenOver(request.key, owners[request.key]))
            continue
        refused = _refusal(request.key, mine, Act.COMMIT, now)
        if refused is None:
            mine = standing[request.key] = _book(desk, mine, rules.commit(request, mine, desk.books, now))
        grants = tuple(Grant(claim.position, claim.remaining, claim.basis) for claim in mine if claim.remaining)
        outcomes.append(refused or Committed(request.key, grants))
    await desk.close(origin=origin, floor=False)
    return outcomes


async def extend(tx: Tx, extensions: Sequence[ExtendHold], *, origin: Origin, now: datetime) -> Sequence[ExtendOutcome]:
    """Let holds live longer; never shorter, and never again once the deadline has passed."""
    desk, standing = await Desk.open_for(tx, {request.key for request in extensions}, now=now)
    outcomes: list[ExtendOutcome] = []
    for request in extensions:
        mine = standing[request.key]
        refused = _refusal(request.key, mine, Act.EXTEND, now)
        if refused is None:
            extended, until = rules.extend(mine, request.expires_at)
            desk.write((), extended)
            standing[request.key] = extended
            outcomes.append(Extended(request.key, until))
        else:
            outcomes.append(refused)
    await desk.close(origin=origin, floor=False)
    return outcomes


async def release(tx: Tx, releases: Sequence[Release], *, origin: Origin, now: datetime) -> Sequence[ReleaseOutcome]:
    """Give units back. What comes twice, or after the goods have left, gives nothing back again."""
    meanings = {r.reference: rules.release_print(r) for r in releases if r.reference is not None}
    operations = await Operations.begin(tx, meanings.items(), now)
    desk, standing = await Desk.open_for(tx, {request.key for request in releases}, now=now)
    asked = [request.key for request in releases if request.unowned]
    owners = await store.owners_of(tx, asked) if asked else {}  # who took over meanwhile had the positions' locks
    outcomes: list[ReleaseOutcome] = []
    for request in releases:
        mine = standing[request.key]
        seen = None
        if request.reference is not None:
            seen = operations.admit(request.reference, rules.release_print(request))
        if seen is not None:
            outcomes.append(seen)
        elif not mine:
            outcomes.append(UnknownReservation(request.key))
        elif request.unowned and request.key in owners:
            outcomes.append(TakenOver(request.key, owners[request.key]))
        else:
            left = standing[request.key] = _book(desk, mine, rules.release(request, mine, desk.books, now))
            outcomes.append(Released(request.key, rules.freed(mine, left)))
    await desk.close(origin=origin, floor=False)
    return outcomes


async def consume(tx: Tx, shipments: Sequence[Consume], *, origin: Origin, now: datetime) -> Sequence[ConsumeOutcome]:
    """Book goods that left for customers. Facts: what no claim covers leaves sellable stock, and may make it short."""
    meanings = [(request.reference, rules.consume_print(request)) for request in shipments]
    operations = await Operations.begin(tx, meanings, now)
    positions = {line.position for request in shipments for line in request.lines}
    keys = {request.key for request in shipments}
    desk, standing = await Desk.open_for(tx, keys, positions, now=now, make=True)
    outcomes: list[ConsumeOutcome] = []
    for request in shipments:
        mine = standing[request.key]
        seen = operations.admit(request.reference, rules.consume_print(request))
        if seen is not None:
            outcomes.append(seen)
        elif not mine:
            operations.undone(request.reference)
            outcomes.append(UnknownReservation(request.key))
        else:
            booked = rules.consume(request, mine, desk.books)
            desk.write(booked.postings, booked.claims)
            standing[request.key] = _replaced(mine, booked.claims)
            outcomes.append(Consumed(request.key, booked.taken, booked.beyond))
    await operations.close(tx)
    await desk.close(origin=origin, floor=True)
    await raise_findings(tx, desk, origin=origin, now=now)
    return outcomes


async def move(tx: Tx, moves: Sequence[Move], *, origin: Origin, now: datetime) -> Sequence[MoveOutcome]:
    """Take claims to other locations, in full or not at all: a promise is never without a place."""
    meanings = [(request.reference, rules.move_print(request)) for request in moves]
    operations = await Operations.begin(tx, meanings, now)
    positions = {position for move in moves for position in (move.source_position, move.target_position)}
    desk, standing = await Desk.open_for(tx, {request.key for request in moves}, positions, now=now)
    outcomes: list[MoveOutcome] = []
    for request in moves:
        seen = operations.admit(request.reference, rules.move_print(request))
        if seen is not None:
            outcomes.append(seen)
            continue
        outcome, standing[request.key] = _moved(desk, request, standing[request.key], now)
        if not isinstance(outcome, Moved):
            operations.undone(request.reference)
        outcomes.append(outcome)
    await operations.close(tx)
    await desk.close(origin=origin, floor=False)
    return outcomes


def _moved(desk: Desk, request: Move, mine: Sequence[Claim], now: datetime) -> tuple[MoveOutcome, Sequence[Claim]]:
    refused = _refusal(request.key, mine, Act.MOVE, now)
    if refused is not None:
        return refused, mine
    at = {claim.ground: claim for claim in mine}
    source = at.get(Ground(request.source_position, request.basis))
    there = at.get(Ground(request.target_position, Basis.GOODS))
    booked = rules.move(request, source, there, desk.books, now)
    if not isinstance(booked, rules.Relocation):
        return booked, mine
    desk.write(booked.postings, booked.claims)
    return Moved(request.key, booked.quantity), _replaced(mine, booked.claims)


async def lapse(
    tx: Tx,
    *,
    origin: Origin,
    now: datetime,
    since: datetime = LONG_AGO,
    limit: int = 1000,
    leave: Collection[PositionKey] = (),
) -> int:
    """End holds whose deadline has passed after *since*, at as many positions as *limit* of them stand on; how many.

    Everything else works without it: it only makes the ledger say what every reader already takes for granted, so that
    freed units are published.
    """
    return await lapse_at(tx, await _due(tx, now, since, limit, leave), origin=origin, now=now)


async def lapse_apart(
    tx: Tx, *, origin: Origin, now: datetime, limit: int = 1000, leave: Collection[PositionKey] = ()
) -> Mapping[PositionKey, Exception]:
    """The same where one position breaks the others; those that broke, and of what."""

    async def some(positions: Sequence[PositionKey]) -> None:
        await lapse_at(tx, positions, origin=origin, now=now)

    return await apart(tx, await _due(tx, now, LONG_AGO, limit, leave), some)


async def lapse_at(tx: Tx, positions: Collection[PositionKey], *, origin: Origin, now: datetime) -> int:
    """The same at given positions."""
    if not positions:
        return 0
    desk = await Desk.open(tx, set(positions), now=now, thorough=True)
    await desk.close(origin=origin, floor=False)
    return desk.lapsed


async def _due(
    tx: Tx, now: datetime, since: datetime, limit: int, leave: Collection[PositionKey]
) -> Sequence[PositionKey]:
    return sorted(await store.due_positions(tx, now, since=since, limit=limit) - set(leave))


def _refusal(
    key: ReservationKey, claims: Sequence[Claim], act: Act, now: datetime
) -> HoldExpired | NotActive | UnknownReservation | None:
    if not claims:
        return UnknownReservation(key)
    state = rules.state_of(claims, now)
    if after(state, act) is not None:
        return None
    if state is State.EXPIRED:
        return HoldExpired(key, rules.deadline_of(claims))
    return NotActive(key, state)


def _book(desk: Desk, claims: Sequence[Claim], decided: Iterable[tuple[Sequence[Posting], Claim]]) -> Sequence[Claim]:
    """Write what was decided; the reservation's claims afterwards."""
    changed = []
    for postings, claim in decided:
        desk.write(postings, (claim,))
        changed.append(claim)
    return _replaced(claims, changed)


def _replaced(claims: Sequence[Claim], changed: Iterable[Claim]) -> Sequence[Claim]:
    return list(({claim.ground: claim for claim in claims} | {claim.ground: claim for claim in changed}).values())
