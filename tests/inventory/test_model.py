"""A long, random life of one item, played against a model that counts on its fingers."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from crossdock.canonical.base import LocationCode, ReservationKey, Sku
from crossdock.canonical.stock import Bucket, FloorMovement
from crossdock.foundation.db import Database
from crossdock.inventory import service
from crossdock.inventory.model import MovementKey, NewCount, PositionKey
from crossdock.inventory.reservations.model import (
    CommitHold,
    Committed,
    Consume,
    Fill,
    Grant,
    Move,
    Moved,
    Release,
    Released,
    Reserved,
)
from inventory.shop_floor import (
    DC,
    NOW,
    ORIGIN,
    STORE,
    allocation,
    hold,
    line,
    movement,
    position,
)

PLACES = (DC, STORE)
_games = count(1)


@dataclass
class Promise:
    """What one reservation has at each place."""

    units: dict[LocationCode, int]
    deadline: int | None
    alive: bool = True


@dataclass
class Fingers:
    """The model: plain numbers, minutes instead of times."""

    on_hand: dict[LocationCode, int] = field(default_factory=lambda: dict.fromkeys(PLACES, 0))
    damaged: dict[LocationCode, int] = field(default_factory=lambda: dict.fromkeys(PLACES, 0))
    promises: dict[str, Promise] = field(default_factory=dict)
    minute: int = 0

    def open(self, key: str) -> bool:
        promise = self.promises.get(key)
        return promise is not None and promise.alive and (promise.deadline is None or self.minute < promise.deadline)

    def promised(self, place: LocationCode, *, held: bool) -> int:
        return sum(
            promise.units[place]
            for key, promise in self.promises.items()
            if self.open(key) and (promise.deadline is not None) == held
        )

    def available(self, place: LocationCode) -> int:
        claimed = self.promised(place, held=True) + self.promised(place, held=False)
        return self.on_hand[place] - self.damaged[place] - claimed


class Game(RuleBasedStateMachine):
    """Every rule acts on the hub and on the model, and compares what each answers."""

    keys = Bundle("keys")

    def __init__(self, dsn: str) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.database = Database(dsn, size_max=2)
        self.runner.run(self.database.__aenter__())
        self.sku = Sku(f"GAME-{next(_games)}")
        self.numbers = count(1)
        self.fingers = Fingers()

    def teardown(self) -> None:
        async def end() -> None:
            async with self.database.transaction() as tx:
                assert await service.audit(tx) == []
            await self.database.__aexit__()

        self.runner.run(end())
        self.runner.close()

    @property
    def now(self) -> datetime:
        return NOW + timedelta(minutes=self.fingers.minute)

    def name(self, kind: str) -> str:
        return f"{self.sku}/{kind}/{next(self.numbers)}"

    @initialize(first=st.integers(0, 9), second=st.integers(0, 9))
    def open_shop(self, first: int, second: int) -> None:
        for place, units in zip(PLACES, (first, second), strict=True):
            if units:
                self.happens(FloorMovement.RECEIVE, units, place)

    @rule(
        kind=st.sampled_from([FloorMovement.RECEIVE, FloorMovement.ISSUE]),
        units=st.integers(1, 6),
        place=st.sampled_from(PLACES),
    )
    def happens(self, kind: FloorMovement, units: int, place: LocationCode) -> None:
        self.tell(kind, units, place)
        self.fingers.on_hand[place] += units if kind is FloorMovement.RECEIVE else -units

    @rule(units=st.integers(1, 4), place=st.sampled_from(PLACES))
    def breaks(self, units: int, place: LocationCode) -> None:
        self.tell(FloorMovement.REBUCKET, units, place, to_bucket=Bucket.DAMAGED)
        self.fingers.damaged[place] += units

    @rule(units=st.integers(1, 4), place=st.sampled_from(PLACES))
    def is_mended(self, units: int, place: LocationCode) -> None:
        self.tell(FloorMovement.REBUCKET, units, place, from_bucket=Bucket.DAMAGED)
        self.fingers.damaged[place] -= min(units, self.fingers.damaged[place])

    def tell(
        self,
        kind: FloorMovement,
        units: int,
        place: LocationCode,
        *,
        from_bucket: Bucket | None = None,
        to_bucket: Bucket | None = None,
    ) -> None:
        new = movement(
            kind,
            units,
            self.sku,
            place,
            key=self.name("movement"),
            from_bucket=from_bucket,
            to_bucket=to_bucket,
            happened_at=self.now,
        )

        async def write() -> None:
            async with self.database.transaction() as tx:
                await service.record(tx, [new, new], origin=ORIGIN, now=self.now)

        self.runner.run(write())

    @rule(units=st.integers(0, 12), place=st.sampled_from(PLACES))
    def is_counted(self, units: int, place: LocationCode) -> None:
        new = NewCount(
            key=MovementKey(self.name("count")), sku=self.sku, location=place, on_hand=Decimal(units), as_of=self.now
        )

        async def write() -> None:
            async with self.database.transaction() as tx:
                await service.count(tx, [new], origin=ORIGIN, now=self.now)

        self.runner.run(write())
        self.fingers.on_hand[place] = units

    @rule(target=keys, units=st.integers(1, 8), minutes=st.integers(0, 6), fill=st.sampled_from(Fill))
    def is_wanted(self, units: int, minutes: int, fill: Fill) -> str:
        key = self.name("order")
        where = line(units, self.sku, *PLACES)
        if minutes:
            request = hold(key, where, expires_at=self.now + timedelta(minutes=minutes), fill=fill)
        else:
            request = allocation(key, where, fill=fill)

        async def ask() -> object:
            async with self.database.transaction() as tx:
                first, second = await service.reserve(tx, [request, request], origin=ORIGIN, now=self.now)
            assert first == second
            return first

        outcome = self.runner.run(ask())
        takes = {}
        missing = units
        for place in PLACES:
            takes[place] = min(missing, max(0, self.fingers.available(place)))
            missing -= takes[place]
        granted = missing < units and (missing == 0 or fill is Fill.PARTIAL)
        assert isinstance(outcome, Reserved) == granted
        if granted:
            assert isinstance(outcome, Reserved)
            assert {grant.position.location: grant.quantity for grant in outcome.grants} == {
                place: taken for place, taken in takes.items() if taken
            }
            self.fingers.promises[key] = Promise(takes, self.fingers.minute + minutes if minutes else None)
        return key

    @rule(key=keys)
    def is_paid(self, key: str) -> None:
        async def settle() -> object:
            async with self.database.transaction() as tx:
                (outcome,) = await service.commit(tx, [CommitHold(ReservationKey(key))], origin=ORIGIN, now=self.now)
            return outcome

        outcome = self.runner.run(settle())
        if self.fingers.open(key):
            assert isinstance(outcome, Committed)
            self.fingers.promises[key].deadline = None

    @rule(key=keys)
    def is_given_up(self, key: str) -> None:
        async def give_up() -> object:
            async with self.database.transaction() as tx:
                (outcome,) = await service.release(tx, [Release(key=ReservationKey(key))], origin=ORIGIN, now=self.now)
            return outcome

        outcome = self.runner.run(give_up())
        freed = sum(self.fingers.promises[key].units.values()) if self.fingers.open(key) else 0
        if isinstance(outcome, Released):
            assert sum(grant.quantity for grant in outcome.grants) == freed
        if key in self.fingers.promises:
            self.fingers.promises[key].alive = False

    @rule(key=keys, units=st.integers(1, 8), place=st.sampled_from(PLACES))
    def is_shipped(self, key: str, units: int, place: LocationCode) -> None:
        shipment = Consume(
            key=ReservationKey(key),
            reference=MovementKey(self.name("shipment")),
            lines=[Grant(PositionKey(self.sku, place), Decimal(units))],
            happened_at=self.now,
        )

        async def ship() -> None:
            async with self.database.transaction() as tx:
                await service.consume(tx, [shipment, shipment], origin=ORIGIN, now=self.now)

        self.runner.run(ship())
        if key in self.fingers.promises:
            self.fingers.on_hand[place] -= units
            if self.fingers.open(key):
                self.fingers.promises[key].units[place] -= min(units, self.fingers.promises[key].units[place])

    @rule(key=keys, back=st.booleans())
    def is_moved(self, key: str, *, back: bool) -> None:
        source, target = PLACES[::-1] if back else PLACES
        request = Move(
            key=ReservationKey(key),
            reference=MovementKey(self.name("move")),
            sku=self.sku,
            source=source,
            target=target,
        )

        async def shift() -> object:
            async with self.database.transaction() as tx:
                (outcome,) = await service.move(tx, [request], origin=ORIGIN, now=self.now)
            return outcome

        outcome = self.runner.run(shift())
        units = self.fingers.promises[key].units[source] if self.fingers.open(key) else 0
        possible = 0 < units <= self.fingers.available(target)
        assert isinstance(outcome, Moved) == possible
        if possible:
            self.fingers.promises[key].units[source] = 0
            self.fingers.promises[key].units[target] += units

    @rule(minutes=st.integers(1, 5))
    def time_passes(self, minutes: int) -> None:
        self.fingers.minute += minutes

    @rule()
    def is_tidied(self) -> None:
        async def tidy() -> None:
            async with self.database.transaction() as tx:
                await service.lapse(tx, origin=ORIGIN, now=self.now)

        self.runner.run(tidy())

    @invariant()
    def says_what_the_fingers_say(self) -> None:
        for place in PLACES:
            found = self.runner.run(position(self.database, self.sku, place, now=self.now))
            assert found.on_hand == self.fingers.on_hand[place]
            assert found.damaged == self.fingers.damaged[place]
            assert found.held == self.fingers.promised(place, held=True)
            assert found.allocated == self.fingers.promised(place, held=False)
            assert found.available == self.fingers.available(place)


def test_the_hub_and_the_fingers_agree_whatever_happens(dsn: str) -> None:
    class Here(Game):
        def __init__(self) -> None:
            super().__init__(dsn)

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
