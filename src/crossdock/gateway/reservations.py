"""POST /v1/reservations and what ends them: held, committed, extended, released in grouped commits."""

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final, assert_never

import msgspec

from crossdock.assembly.hub import Hub
from crossdock.availability import service as availability
from crossdock.availability.model import HoldLine, HoldOutcome, HoldRequest, HoldTooLong, QuantityRefused
from crossdock.canonical.base import (
    ChannelCode,
    Code,
    LocationCode,
    Positive,
    ReservationKey,
    Sku,
    check_decimal,
    check_moment,
    check_positive,
)
from crossdock.canonical.orders import Mode, ReservationName
from crossdock.eventlog.service import Origin
from crossdock.foundation.db import Tx
from crossdock.gateway.asgi import Answer, Request, decode
from crossdock.gateway.front import HotRoute
from crossdock.gateway.grouped import Decided, Entry, GroupedWrite, Result, trace_of
from crossdock.gateway.keys import Caller, Scope
from crossdock.gateway.memory import Memory
from crossdock.gateway.meters import Meters
from crossdock.gateway.problems import FieldProblem, Problem, Shortfall
from crossdock.gateway.retailer import RetailerView
from crossdock.inventory import service as inventory
from crossdock.inventory.model import AlreadyRecorded, KeyReused
from crossdock.inventory.reservations.model import (
    ArrivedExpired,
    CommitHold,
    CommitOutcome,
    Committed,
    Extended,
    ExtendHold,
    ExtendOutcome,
    Fill,
    Grant,
    HoldExpired,
    NotActive,
    OutOfStock,
    Release,
    Released,
    ReleaseOutcome,
    Reserved,
    TakenOver,
    UnknownReservation,
)
from crossdock.inventory.waiting.model import Basis

BODY_MAX: Final = 64 * 1024
LINES_MAX: Final = 200
SOURCE: Final = "api"
CREATED: Final = 201
_KEY: Final = re.compile(r"[A-Za-z0-9._:~-]{1,128}")


class HoldLineBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Units of an item."""

    sku: Code
    quantity: Positive

    def __post_init__(self) -> None:
        check_positive(self.quantity, "quantity")


class HoldBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hold units for a channel, up to what it may sell, on locations of its pool."""

    key: ReservationName
    """The caller's own: the same key with the same lines gets the same answer, for ever."""
    channel: Code
    lines: Annotated[list[HoldLineBody], msgspec.Meta(min_length=1, max_length=LINES_MAX)]
    mode: Mode = Mode.SHIP
    location: LocationCode | None = None
    """The one location that shall serve it (pickup)."""
    expires_at: datetime | None = None
    """Absent: after the channel's own time for holds."""
    fill: Fill = Fill.ALL

    def __post_init__(self) -> None:
        check_moment(self.expires_at, "expires_at")
        check_decimal(sum((line.quantity for line in self.lines), Decimal(0)), "lines")


class ExtendBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Until when the hold shall live; never shorter than it does already."""

    expires_at: datetime

    def __post_init__(self) -> None:
        check_moment(self.expires_at, "expires_at")


class ReleaseBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why, for those who ask later."""

    reason: Annotated[str, msgspec.Meta(max_length=200)] = ""


class Place(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Units at a location."""

    sku: str
    location: str
    quantity: Decimal
    basis: str = Basis.GOODS.value
    """What they stand on: `goods` (left out), receipts that are due in time (`dated`), or nothing yet (`backorder`)."""


class ReservationAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was done, and where the units stand."""

    key: str
    outcome: str
    """held, committed, extended, released"""
    href: str
    units: list[Place]
    expires_at: datetime | None = None
    shortages: tuple[Shortfall, ...] = ()
    """What a partial hold did not get."""


_HOLD: Final = msgspec.json.Decoder(HoldBody)
_EXTEND: Final = msgspec.json.Decoder(ExtendBody)
_RELEASE: Final = msgspec.json.Decoder(ReleaseBody)
_ENCODE: Final = msgspec.json.Encoder().encode


def reservation_key(caller: Caller, key: str) -> ReservationKey:
    """A key is the caller's own: other callers may use the same one, and cannot touch this one."""
    return ReservationKey(f"api.{caller.name}/{key}")


class ReservationDesk:
    """Holds units over the API, and lets them go."""

    def __init__(self, hub: Hub, retailer: RetailerView, meters: Meters, memory: Memory) -> None:
        self._retailer = retailer
        self._meters = meters
        self._holds = GroupedWrite[HoldRequest]("holds", hub, meters, memory, self._hold)
        self._commits = GroupedWrite[CommitHold]("hold_commits", hub, meters, memory, self._commit)
        self._extensions = GroupedWrite[ExtendHold]("hold_extensions", hub, meters, memory, self._extend)
        self._releases = GroupedWrite[Release]("hold_releases", hub, meters, memory, self._release)

    def routes(self) -> tuple[HotRoute, ...]:
        """What it serves."""
        return (
            _route("/v1/reservations", "Hold units for a channel", HoldBody, self.hold, status=CREATED),
            _route("/v1/reservations/{key}/commit", "Turn a hold into an allocation", None, self.commit),
            _route("/v1/reservations/{key}/extend", "Let a hold live longer", ExtendBody, self.extend),
            _route("/v1/reservations/{key}/release", "Give the units back", ReleaseBody, self.release),
        )

    async def close(self) -> None:
        """Finish what is waiting."""
        for writes in (self._holds, self._commits, self._extensions, self._releases):
            await writes.close()

    async def hold(self, request: Request) -> Answer:
        """All lines in full or none, unless `fill` is partial. A refusal is remembered: ask again under another key."""
        asked = decode(request.body, _HOLD)
        request.caller.check_channel(asked.channel)
        retailer = await self._retailer.get()
        retailer.channel(asked.channel, "$.channel")
        if asked.location is not None:
            retailer.check_location(asked.location, "$.location")
        return await self._holds.submit(request, _hold_request(request, asked))

    async def commit(self, request: Request) -> Answer:
        """At or after its deadline a hold is refused: its units may be somebody else's. Safe to repeat."""
        return await self._commits.submit(request, CommitHold(_named(request), correlation_id=trace_of(request)))

    async def extend(self, request: Request) -> Answer:
        """Never shorter, and not after the deadline has passed."""
        asked = decode(request.body, _EXTEND)
        return await self._extensions.submit(request, ExtendHold(_named(request), asked.expires_at))

    async def release(self, request: Request) -> Answer:
        """Safe to repeat: nothing is given back twice."""
        asked = decode(request.body, _RELEASE) if request.body else ReleaseBody()
        wish = Release(key=_named(request), reason=asked.reason, unowned=True, correlation_id=trace_of(request))
        return await self._releases.submit(request, wish)

    async def _hold(self, tx: Tx, entries: Sequence[Entry[HoldRequest]], now: datetime) -> Decided:
        estate = (await self._retailer.get()).estate
        asked = [entry.asked for entry in entries]
        outcomes = await availability.hold(tx, estate, asked, origin=Origin.begin(SOURCE), now=now)
        results = [_held(*pair) for pair in zip(outcomes, _keys(entries), strict=True)]
        return self._told(
            "holds", results, _taken(outcomes) | {line.sku for request in asked for line in request.lines}
        )

    async def _commit(self, tx: Tx, entries: Sequence[Entry[CommitHold]], now: datetime) -> Decided:
        asked = [entry.asked for entry in entries]
        outcomes = await inventory.commit(tx, asked, origin=Origin.begin(SOURCE), now=now)
        results = [_committed(*pair) for pair in zip(outcomes, _keys(entries), strict=True)]
        return self._told("hold_commits", results, _granted(outcomes))

    async def _extend(self, tx: Tx, entries: Sequence[Entry[ExtendHold]], now: datetime) -> Decided:
        estate = (await self._retailer.get()).estate
        asked = [entry.asked for entry in entries]
        outcomes = await availability.extend(tx, estate, asked, origin=Origin.begin(SOURCE), now=now)
        results = [_extended(*pair) for pair in zip(outcomes, _keys(entries), strict=True)]
        return self._told("hold_extensions", results, ())  # what was remembered until the old deadline is still right

    async def _release(self, tx: Tx, entries: Sequence[Entry[Release]], now: datetime) -> Decided:
        asked = [entry.asked for entry in entries]
        outcomes = await inventory.release(tx, asked, origin=Origin.begin(SOURCE), now=now)
        results = [_released(*pair) for pair in zip(outcomes, _keys(entries), strict=True)]
        return self._told("hold_releases", results, _granted(outcomes))

    def _told(self, write: str, results: Sequence[Result], touched: Collection[Sku]) -> Decided:
        words = Counter(result.kind if isinstance(result, Problem) else "done" for result in results)
        for word, count in words.items():
            self._meters.taken(write, word, count)
        return Decided(results, touched)


def _route(
    path: str,
    summary: str,
    request: type | None,
    handle: Callable[[Request], Awaitable[Answer]],
    *,
    status: int = 200,
) -> HotRoute:
    return HotRoute(
        method="POST",
        path=path,
        summary=summary,
        scope=Scope.RESERVATIONS,
        of_channels=True,
        body_max=BODY_MAX,
        request=request,
        answers={status: ReservationAnswer},
        handle=handle,
        conflicts=True,
    )


def _hold_request(request: Request, asked: HoldBody) -> HoldRequest:
    return HoldRequest(
        key=reservation_key(request.caller, asked.key),
        channel=ChannelCode(asked.channel),
        lines=[HoldLine(Sku(line.sku), line.quantity) for line in asked.lines],
        mode=asked.mode,
        location=asked.location,
        expires_at=asked.expires_at,
        fill=asked.fill,
        correlation_id=trace_of(request),
    )


def _named(request: Request) -> ReservationKey:
    if _KEY.fullmatch(request.key) is None:
        raise Problem("not-found", "there is no reservation of that key")
    return reservation_key(request.caller, request.key)


def _keys(entries: Sequence[Entry[Any]]) -> Sequence[str]:
    """The callers' own words for their reservations."""
    return [entry.asked.key.rpartition("/")[2] for entry in entries]


def _granted(outcomes: Iterable[CommitOutcome | ReleaseOutcome]) -> set[Sku]:
    """The items whose units changed hands."""
    return {
        grant.position.sku
        for outcome in outcomes
        if isinstance(outcome, Committed | Released)
        for grant in outcome.grants
    }


def _taken(outcomes: Iterable[HoldOutcome]) -> set[Sku]:
    """The items whose units were held: of kits, what they are made of."""
    return {grant.position.sku for outcome in outcomes if isinstance(outcome, Reserved) for grant in outcome.grants}


def _held(outcome: HoldOutcome, key: str) -> Result:
    match outcome:
        case Reserved():
            return _answer(key, "held", outcome.grants, outcome.expires_at, _short(outcome), status=CREATED)
        case OutOfStock():
            return Problem("out-of-stock", shortages=_short(outcome))
        case ArrivedExpired():
            return Problem("expired", f"it ended at {outcome.expires_at.isoformat()}, before it came")
        case KeyReused():
            reason = f'"{key}" stands for other units: choose a new key for these'
            return Problem("reservation-key-reused", errors=(FieldProblem(path="$.key", reason=reason),))
        case HoldTooLong():
            return _too_long(outcome)
        case QuantityRefused():
            reason = f"{outcome.sku}: ordered is {outcome.quantity:f}, its {outcome.rule.value} is {outcome.limit:f}"
            return Problem("invalid", errors=(FieldProblem(path="$.lines", reason=reason),))
        case _:
            assert_never(outcome)


def _committed(outcome: CommitOutcome, key: str) -> Result:
    match outcome:
        case Committed():
            return _answer(key, "committed", outcome.grants)
        case TakenOver() | HoldExpired() | NotActive() | UnknownReservation():
            return _refused(outcome)
        case _:
            assert_never(outcome)


def _extended(outcome: ExtendOutcome | HoldTooLong, key: str) -> Result:
    match outcome:
        case Extended():
            return _answer(key, "extended", (), outcome.expires_at)
        case HoldTooLong():
            return _too_long(outcome)
        case HoldExpired() | NotActive() | UnknownReservation():
            return _refused(outcome)
        case _:
            assert_never(outcome)


def _too_long(outcome: HoldTooLong) -> Problem:
    latest = outcome.latest.isoformat(timespec="seconds")
    reason = f"must not lie after {latest}: longer, this channel may not keep units from others"
    return Problem("invalid", errors=(FieldProblem(path="$.expires_at", reason=reason),))


def _released(outcome: ReleaseOutcome, key: str) -> Result:
    match outcome:
        case Released():
            return _answer(key, "released", outcome.grants)
        case TakenOver() | UnknownReservation():
            return _refused(outcome)
        case AlreadyRecorded() | KeyReused():
            raise AssertionError(outcome)  # only releases of some lines carry a reference
        case _:
            assert_never(outcome)


def _refused(outcome: TakenOver | HoldExpired | NotActive | UnknownReservation) -> Problem:
    match outcome:
        case TakenOver():
            return Problem("conflict", f"{outcome.owner} stands on it now: cancel the order to let its units go")
        case HoldExpired():
            return Problem("expired", f"it ended at {outcome.expires_at.isoformat()}")
        case NotActive():
            return Problem("conflict", f"the reservation is {outcome.state.value}")
        case UnknownReservation():
            return Problem("not-found", "there is no reservation of that key")
        case _:
            assert_never(outcome)


def _short(outcome: Reserved | OutOfStock) -> tuple[Shortfall, ...]:
    return tuple(Shortfall(sku=each.sku, wanted=each.wanted, available=each.available) for each in outcome.shortages)


def _answer(
    key: str,
    outcome: str,
    grants: Sequence[Grant],
    expires_at: datetime | None = None,
    shortages: tuple[Shortfall, ...] = (),
    *,
    status: int = 200,
) -> Answer:
    href = f"/v1/reservations/{key}"
    told = ReservationAnswer(
        key=key,
        outcome=outcome,
        href=href,
        units=[
            Place(sku=at.sku, location=at.location, quantity=quantity, basis=basis.value)
            for at, quantity, basis in grants
        ],
        expires_at=expires_at,
        shortages=shortages,
    )
    return Answer(status=status, body=_ENCODE(told), headers={"Location": href} if status == CREATED else {})


def usable_key(key: str) -> bool:
    """Can a reservation have this key?"""
    return _KEY.fullmatch(key) is not None
