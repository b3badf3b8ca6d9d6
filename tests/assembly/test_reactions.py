"""Facts set things in motion once each, in order; one that cannot be digested is handed to a person and passed."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

import psycopg
import pytest

from assembly.parts import NOW, World
from crossdock.assembly.means import means
from crossdock.assembly.reactions import BATCH, REACTORS, Reactor, step
from crossdock.canonical.facts import ExceptionOpened, ItemChanged
from crossdock.canonical.upcast import UnknownVersionError
from crossdock.estate.model import Estate
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.model import Event
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.db import Tx, execute, fetch_tuples
from crossdock.operations.casework import service as casework
from crossdock.operations.casework.service import By, NotPossible, ReleaseOutcome, StillWrong, Worked
from crossdock.operations.model import OpenException

TABLE = "CREATE TABLE public.effect (position bigint GENERATED ALWAYS AS IDENTITY, name text NOT NULL)"


@pytest.fixture
async def effects(world: World) -> World:
    async with world.database.transaction() as tx:
        await execute(tx, TABLE)
    return world


def reactor(fails: Callable[[Sequence[str]], Exception | None]) -> Reactor:
    """Writes down each item's name, then fails where it is told to: the effect must go with the failure."""

    async def react(tx: Tx, _estate: Estate, events: Sequence[Event], _now: datetime) -> None:
        names = [event.fact.name for event in events if isinstance(event.fact, ItemChanged)]
        for name in names:
            await execute(tx, "INSERT INTO public.effect (name) VALUES (%(name)s)", {"name": name})
        error = fails(names)
        if error is not None:
            raise error

    return Reactor(name="test", to=(ItemChanged,), react=react)


def poison(*bad: str) -> Callable[[Sequence[str]], Exception | None]:
    return lambda names: ZeroDivisionError("cannot digest") if set(bad) & set(names) else None


async def tell(world: World, *names: str) -> None:
    new = [
        NewFact(
            stream=f"item/{name}",
            fact=ItemChanged(sku=name, name=name, active=True),
            happened_at=NOW,
            origin=Origin.begin("erp"),
        )
        for name in names
    ]
    async with world.database.transaction() as tx:
        await eventlog.append(tx, new)


async def done(world: World) -> list[str]:
    async with world.database.transaction() as tx:
        return [str(name) for (name,) in await fetch_tuples(tx, "SELECT name FROM public.effect ORDER BY position")]


async def run(world: World, one: Reactor) -> None:
    while await step(world.hub, one):
        pass


async def test_every_fact_has_its_effect_once_and_in_order(effects: World) -> None:
    names = [f"{n:04}" for n in range(BATCH + 50)]
    await tell(effects, *names)

    await run(effects, reactor(poison()))
    await run(effects, reactor(poison()))

    assert await done(effects) == names


async def test_a_fact_that_cannot_be_digested_is_set_aside_and_its_neighbours_have_their_effect_once(
    effects: World,
) -> None:
    await tell(effects, "1", "2", "3", "4", "5")

    await run(effects, reactor(poison("2", "4")))
    await run(effects, reactor(poison("2", "4")))

    assert await done(effects) == ["1", "3", "5"]
    found = await effects.exceptions()
    assert sorted((each.type, each.subject, each.path, each.occurrences) for each in found) == [
        ("reaction_failed", "item/2", "item.described", 1),
        ("reaction_failed", "item/4", "item.described", 1),
    ]
    assert all("ZeroDivisionError: cannot digest" in each.detail for each in found)
    assert len(await effects.facts(ExceptionOpened)) == 2


async def test_what_was_set_aside_can_be_traced_to_its_fact(effects: World) -> None:
    await tell(effects, "1")
    await run(effects, reactor(poison("1")))

    (fact,) = await effects.facts(ItemChanged)
    (opened,) = await effects.facts(ExceptionOpened)
    assert (opened.correlation_id, opened.causation_id) == (fact.correlation_id, fact.id)


async def test_workers_that_race_over_poison_repeat_nothing(effects: World) -> None:
    """Each takes the batch apart by itself; without a look at the cursor before each fact, all would apply it all."""
    names = [f"{n:02}" for n in range(20)]
    await tell(effects, *names)

    await asyncio.gather(*(run(effects, reactor(poison("07", "13"))) for _ in range(4)))

    assert Counter(await done(effects)) == Counter(set(names) - {"07", "13"})
    assert [each.occurrences for each in await effects.exceptions()] == [1, 1]
    assert len(await effects.facts(ExceptionOpened)) == 2


async def test_workers_that_start_together_share_the_first_batch_without_repeating_it(effects: World) -> None:
    names = [f"{n:03}" for n in range(100)]
    await tell(effects, *names)

    await asyncio.gather(*(run(effects, reactor(poison())) for _ in range(4)))

    assert await done(effects) == names


async def test_a_worker_that_dies_between_effect_and_cursor_repeats_nothing_and_loses_nothing(effects: World) -> None:
    await tell(effects, "1", "2")
    await run(effects, reactor(poison()))
    await tell(effects, "3", "4")
    deaths = 2

    async def die(tx: Tx, estate: Estate, events: Sequence[Event], now: datetime) -> None:
        nonlocal deaths
        await reactor(poison()).react(tx, estate, events, now)
        if deaths:
            deaths -= 1
            await fetch_tuples(tx, "SELECT pg_terminate_backend(pg_backend_pid())")

    mortal = Reactor(name="test", to=(ItemChanged,), react=die)
    for _ in range(2):
        with pytest.raises(psycopg.OperationalError):
            await step(effects.hub, mortal)
        assert await done(effects) == ["1", "2"]
    await run(effects, mortal)

    assert await done(effects) == ["1", "2", "3", "4"]
    assert await effects.exceptions() == [], "the database's trouble is nobody's exception"


async def test_the_databases_trouble_with_one_fact_of_a_batch_taken_apart_stops_there(effects: World) -> None:
    """A deadlock says nothing about the fact: it is tried again, not set aside."""
    await tell(effects, "1", "2", "3")

    def fails(names: Sequence[str]) -> Exception | None:
        if len(names) > 1:
            return ZeroDivisionError("take it apart")
        return psycopg.errors.DeadlockDetected("again, please") if names == ["2"] else None

    with pytest.raises(psycopg.errors.DeadlockDetected):
        await step(effects.hub, reactor(fails))
    assert await done(effects) == ["1"]
    await run(effects, reactor(poison()))

    assert await done(effects) == ["1", "2", "3"]
    assert await effects.exceptions() == []


async def test_a_fact_of_a_newer_release_is_not_passed_by_this_one(effects: World) -> None:
    """While two releases run side by side, the older one leaves to the newer what it cannot read."""
    await tell(effects, "1")
    async with effects.database.transaction() as tx:
        await execute(
            tx,
            "INSERT INTO eventlog.event (id, stream, type, schema_version, happened_at, correlation_id, source, payload) "
            "SELECT gen_random_uuid(), stream, type, 99, happened_at, correlation_id, source, payload FROM eventlog.event",
        )
    await tell(effects, "3")

    with pytest.raises(UnknownVersionError):
        await step(effects.hub, reactor(poison()))
    assert await done(effects) == []
    async with effects.database.transaction() as tx:
        cursor = await eventlog.cursor_of(tx, "reaction.test")
    assert cursor.position == 0


def test_every_reaction_has_a_cursor_of_its_own() -> None:
    assert len({each.name for each in REACTORS}) == len(REACTORS)


async def release(world: World, found: OpenException, one: Reactor) -> ReleaseOutcome:
    async with world.database.transaction() as tx:
        estate = await world.hub.estate.get(tx)
        by = By(who="ada", why="mended", now=NOW)
        return await casework.release(tx, means(world.hub, estate, (one,)), found, by)


async def test_a_fact_that_was_set_aside_has_its_effect_once_when_the_reaction_is_mended(effects: World) -> None:
    await tell(effects, "1", "2")
    await run(effects, reactor(poison("1")))
    (found,) = await effects.exceptions()

    outcomes = [await release(effects, found, reactor(poison())) for _ in range(2)]

    assert [type(outcome) for outcome in outcomes] == [Worked, NotPossible]
    assert await done(effects) == ["2", "1"]
    assert await effects.exceptions() == []


async def test_people_who_release_it_at_the_same_time_run_it_once(effects: World) -> None:
    await tell(effects, "1")
    await run(effects, reactor(poison("1")))
    (found,) = await effects.exceptions()

    outcomes = await asyncio.gather(*(release(effects, found, reactor(poison())) for _ in range(4)))

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NotPossible"] * 3 + ["Worked"]
    assert await done(effects) == ["1"]


async def test_a_reaction_that_breaks_again_leaves_nothing_behind_and_says_what_is_still_wrong(effects: World) -> None:
    await tell(effects, "1")
    await run(effects, reactor(poison("1")))
    (found,) = await effects.exceptions()

    outcome = await release(effects, found, reactor(poison("1")))

    assert outcome == StillWrong(path="test", reason="ZeroDivisionError: cannot digest")
    assert await done(effects) == []
    assert len(await effects.exceptions()) == 1


async def test_a_reaction_that_this_release_does_not_have_says_so(effects: World) -> None:
    await tell(effects, "1")
    await run(effects, reactor(poison("1")))
    (found,) = await effects.exceptions()

    outcome = await release(effects, found, replace(reactor(poison()), name="other"))

    assert outcome == StillWrong(path="test", reason='this release has no reaction "test"')
