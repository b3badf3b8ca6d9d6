"""Order per business key, exactly once, poison on its own key, parents awaited: alone, in parallel and through crashes."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import psycopg
import pytest

from crossdock.canonical.facts import MessageOverdue, MessageQuarantined, MessageRejected, MessageSettled
from crossdock.foundation.db import Database, Tx
from crossdock.inbound import service as inbound
from crossdock.inbound.decoding import DECODE_SPACE
from crossdock.inbound.lanes import alone
from crossdock.inbound.model import Applied, Arrived, Outcome, Route
from crossdock.inbound.service import Appliers, ApplyContext
from inbound.shopfloor import OTHER, SHOP, Hub, change, count, counts, hub_on, order


@pytest.fixture
async def hub(database: Database) -> Hub:
    return await hub_on(database)


async def killed(hub: Hub, backend: int) -> None:
    async with hub.database.transaction() as tx:
        await tx.execute("SELECT pg_terminate_backend(%s, 5000)", (backend,))


# --- order -----------------------------------------------------------------------------------------------------------


async def test_records_of_one_key_are_applied_in_their_order(hub: Hub) -> None:
    body = counts(*(count(sku, f"{sku}{n}") for n in range(40) for sku in "AB"))
    await hub.receive("counts", body, route=Route.UPLOAD)

    await hub.work()

    assert await hub.effects("count/A") == [f"A{n}" for n in range(40)]
    assert await hub.effects("count/B") == [f"B{n}" for n in range(40)]


async def test_workers_in_parallel_keep_the_order_of_every_key(hub: Hub) -> None:
    skus = [f"S{n}" for n in range(12)]
    for round_number in range(15):
        await hub.receive("counts", *(counts(count(sku, f"{sku}-{round_number}")) for sku in skus), route=Route.UPLOAD)

    await asyncio.gather(*(hub.work() for _ in range(6)))
    await hub.work()

    for sku in skus:
        assert await hub.effects(f"count/{sku}") == [f"{sku}-{n}" for n in range(15)]


async def test_records_of_different_keys_share_a_group(hub: Hub) -> None:
    await hub.receive("counts", counts(*(count(f"S{n}", n) for n in range(300))), route=Route.UPLOAD)

    await hub.work()

    assert len(await hub.effects()) == 300
    assert max(hub.calls) > 1


# --- poison ----------------------------------------------------------------------------------------------------------


async def test_poison_holds_back_its_own_key_and_no_other(hub: Hub) -> None:
    hub.poison = {"count/B"}
    body = counts(count("A", "a1"), count("B", "b1"), count("C", "c1"), count("B", "b2"), count("A", "a2"))
    (message,) = await hub.receive("counts", body, route=Route.UPLOAD)

    await hub.work()

    assert await hub.states(message) == ["applied", "quarantined", "applied", "received", "applied"]
    assert sorted(await hub.effects()) == ["a1", "a2", "c1"]
    (fact,) = await hub.facts()
    assert isinstance(fact, MessageQuarantined)
    assert (fact.record, fact.subject) == (1, "count/B")


async def test_poison_in_a_group_costs_its_neighbours_nothing(hub: Hub) -> None:
    hub.poison = {"count/S7", "count/S80", "count/S299"}
    await hub.receive("counts", counts(*(count(f"S{n}", n) for n in range(300))), route=Route.UPLOAD)

    work = await hub.work()

    assert (work.applied, work.quarantined) == (297, 3)
    assert len(await hub.effects()) == 297


async def test_poison_holds_back_a_long_queue_of_its_key_before_many_workers(hub: Hub) -> None:
    hub.poison = {"count/B"}
    body = counts(*(count("B", f"b{n}") for n in range(450)))
    await hub.receive("counts", body, route=Route.UPLOAD)
    await hub.decode()

    await asyncio.gather(*(hub.work() for _ in range(4)))

    async with hub.database.transaction() as tx:
        counted = {entry.state: entry.count for entry in await inbound.tally(tx)}
    assert counted == {"quarantined": 1, "received": 449}


async def test_what_stood_behind_poison_follows_in_order_once_it_is_released(hub: Hub) -> None:
    hub.poison = {"count/B"}
    (message,) = await hub.receive("counts", counts(*(count("B", f"b{n}") for n in range(5))), route=Route.UPLOAD)
    await hub.work()
    hub.poison = set()

    async with hub.database.transaction() as tx:
        await inbound.release(tx, hub.desk, message, 0, who="ann", now=hub.clock.now())
    await hub.work()

    assert await hub.effects() == ["b0", "b1", "b2", "b3", "b4"]
    assert any(isinstance(fact, MessageSettled) and fact.outcome == "applied" for fact in await hub.facts())


async def test_an_unreadable_record_whose_key_is_known_holds_back_its_key(hub: Hub) -> None:
    body = counts(count("A", "a1", on_hand='"x"'), count("A", "a2"), count("B", "b1"))
    (message,) = await hub.receive("counts", body, route=Route.UPLOAD)

    await hub.work()

    assert await hub.states(message) == ["quarantined", "received", "applied"]


async def test_a_dismissed_record_lets_the_later_ones_go(hub: Hub) -> None:
    body = counts(count("A", "a1", on_hand='"x"'), count("A", "a2"))
    (message,) = await hub.receive("counts", body, route=Route.UPLOAD)
    await hub.work()

    async with hub.database.transaction() as tx:
        await inbound.dismiss(tx, message, 0, reason="a test of the till", who="ann", now=hub.clock.now())
    await hub.work()

    assert await hub.states(message) == ["dismissed", "applied"]


async def test_a_rejected_record_asks_a_person_and_lets_the_later_ones_go(hub: Hub) -> None:
    hub.bad = {"count/A"}
    (message,) = await hub.receive("counts", counts(count("A", "a1"), count("B", "b1")), route=Route.UPLOAD)

    await hub.work()

    assert await hub.states(message) == ["rejected", "applied"]
    (fact,) = await hub.facts()
    assert isinstance(fact, MessageRejected)
    assert (fact.path, fact.reason) == ("$.total", "contradicts the books")


async def test_our_own_write_that_comes_back_is_not_news(hub: Hub) -> None:
    hub.own = {"order/1"}
    own, foreign = await hub.receive("orders/create", order("1"), order("2"))

    await hub.work()

    assert await hub.states(own) == ["own"]
    assert await hub.states(foreign) == ["applied"]
    assert await hub.effects() == ["placed"]


# --- parents ---------------------------------------------------------------------------------------------------------


async def test_a_change_before_its_order_waits_and_follows_it(hub: Hub) -> None:
    (early,) = await hub.receive("orders/change", change())
    await hub.work()
    assert await hub.states(early) == ["waiting"]

    await hub.receive("orders/create", order())
    await hub.work()

    assert await hub.effects("order/1") == ["placed", "changed"]


async def test_changes_before_their_order_follow_it_in_their_order(hub: Hub) -> None:
    first, second = await hub.receive(
        "orders/change", change(at="2026-11-27T09:01:00Z"), change(at="2026-11-27T09:02:00Z")
    )
    await hub.work()
    assert (await hub.states(first), await hub.states(second)) == (["waiting"], ["received"])

    await hub.receive("orders/create", order())
    await hub.receive("orders/change", change(at="2026-11-27T09:03:00Z"))
    await hub.work()

    assert await hub.effects("order/1") == ["placed", "changed", "changed", "changed"]


async def test_a_change_and_its_order_in_one_batch_the_wrong_way_round_both_apply(hub: Hub) -> None:
    await hub.receive("orders/change", change())
    await hub.receive("orders/create", order())
    await hub.receive("orders/change", change(at="2026-11-27T09:06:00Z"))

    await hub.work()

    assert await hub.effects("order/1") == ["placed", "changed", "changed"]


async def test_a_parent_that_came_by_another_door_wakes_its_children(hub: Hub) -> None:
    (early,) = await hub.receive("orders/change", change())
    await hub.work()
    async with hub.database.transaction() as tx:
        await tx.execute("INSERT INTO public.effect (key, what, worker) VALUES ('order/1', 'placed', 0)")
        await inbound.wake(tx, ["order/1"])

    await hub.work()

    assert await hub.states(early) == ["applied"]


async def test_a_lost_wake_up_costs_a_moment_not_a_message(hub: Hub) -> None:
    (early,) = await hub.receive("orders/change", change())
    await hub.work()
    async with hub.database.transaction() as tx:
        await tx.execute("INSERT INTO public.effect (key, what, worker) VALUES ('order/1', 'placed', 0)")
    await hub.work()
    assert await hub.states(early) == ["waiting"]

    await hub.clock.advance(6)
    await hub.work()

    assert await hub.states(early) == ["applied"]


async def test_an_overdue_parent_is_told_once_and_still_welcome(hub: Hub) -> None:
    (early,) = await hub.receive("orders/change", change())
    await hub.work()
    for _ in range(40):
        await hub.clock.advance(600)
        await hub.work()
        async with hub.database.transaction() as tx:
            await inbound.overdue(tx, now=hub.clock.now())
    assert [type(fact) for fact in await hub.facts()] == [MessageOverdue]

    await hub.receive("orders/create", order())
    await hub.work()

    assert await hub.states(early) == ["applied"]
    settled = (await hub.facts())[-1]
    assert isinstance(settled, MessageSettled)
    assert settled.outcome == "applied"


async def test_nothing_is_overdue_before_its_time(hub: Hub) -> None:
    await hub.receive("orders/change", change())
    await hub.work()
    async with hub.database.transaction() as tx:
        early = await inbound.overdue(tx, now=hub.clock.now() + timedelta(hours=2) - timedelta(seconds=1))
        late = await inbound.overdue(tx, now=hub.clock.now() + timedelta(hours=2))

    assert (len(early), len(late)) == (0, 1)


# --- crashes ---------------------------------------------------------------------------------------------------------


async def test_a_worker_killed_between_effect_and_mark_leaves_neither(hub: Hub) -> None:
    await hub.receive("counts", counts(*(count("A", f"a{n}") for n in range(10))), route=Route.UPLOAD)
    await hub.decode()
    reached = asyncio.Event()
    backend: list[int] = []

    async def die(tx: Tx, arrived: Sequence[Arrived], context: ApplyContext) -> Sequence[Outcome]:
        outcomes = await hub.count(tx, arrived, context)
        backend.append(tx.info.backend_pid)
        reached.set()
        await tx.execute("SELECT pg_sleep(30)")
        return outcomes

    dying = dict.fromkeys(hub.appliers.by_type, die)
    worker = asyncio.create_task(
        inbound.apply_waiting(hub.database, Appliers(by_type=dying, vault=hub.vault), hub.estate, hub.clock)
    )
    await reached.wait()
    await killed(hub, backend[0])
    with pytest.raises(psycopg.OperationalError):
        await worker
    assert await hub.effects() == []

    await hub.work()

    assert await hub.effects() == [f"a{n}" for n in range(10)]


async def test_a_cancelled_worker_leaves_nothing_half_done(hub: Hub) -> None:
    await hub.receive("counts", counts(*(count("A", f"a{n}") for n in range(10))), route=Route.UPLOAD)
    await hub.decode()
    reached = asyncio.Event()

    async def hang(tx: Tx, arrived: Sequence[Arrived], context: ApplyContext) -> Sequence[Outcome]:
        await hub.count(tx, arrived, context)
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError

    hanging = Appliers(by_type=dict.fromkeys(hub.appliers.by_type, hang), vault=hub.vault)
    worker = asyncio.create_task(inbound.apply_waiting(hub.database, hanging, hub.estate, hub.clock))
    await reached.wait()
    worker.cancel()
    with pytest.raises(asyncio.CancelledError):
        await worker

    await hub.work()

    assert await hub.effects() == [f"a{n}" for n in range(10)]


async def test_a_worker_cancelled_twice_leaves_no_lock_behind(hub: Hub) -> None:
    reached = asyncio.Event()

    async def work_alone() -> None:
        async with alone(hub.database, DECODE_SPACE, SHOP):
            reached.set()
            await asyncio.Event().wait()

    for _ in range(20):
        reached.clear()
        worker = asyncio.create_task(work_alone())
        await reached.wait()
        worker.cancel()
        await hub.clock.sleep(0)
        worker.cancel()
        with pytest.raises(asyncio.CancelledError):
            await worker
    await hub.receive("orders/create", order())

    await hub.work()

    assert await hub.effects() == ["placed"]


async def test_a_decoder_killed_at_work_leaves_its_message_for_the_next(hub: Hub) -> None:
    await hub.receive("orders/create", order())
    async with hub.database.connection() as session:
        await session.execute("SELECT pg_advisory_lock(1701, hashtext('shop'))")
        await hub.work()
        assert await hub.effects() == []
        await killed(hub, session.info.backend_pid)

    await hub.work()

    assert await hub.effects() == ["placed"]


async def test_an_event_delivered_to_many_workers_at_once_has_one_effect(hub: Hub) -> None:
    for _ in range(10):
        await hub.receive("orders/create", order())

    await asyncio.gather(*(hub.work() for _ in range(8)))
    await hub.work()

    assert await hub.effects() == ["placed"]


async def test_a_deadlock_is_tried_again_not_set_aside(hub: Hub) -> None:
    (message,) = await hub.receive("orders/create", order())
    await hub.decode()
    tries: list[int] = []

    async def unlucky(tx: Tx, arrived: Sequence[Arrived], _context: ApplyContext) -> Sequence[Outcome]:
        tries.append(len(arrived))
        if len(tries) < 3:
            await tx.execute("DO $$ BEGIN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END $$")
        return [Applied() for _ in arrived]

    appliers = Appliers(by_type=dict.fromkeys(hub.appliers.by_type, unlucky), vault=hub.vault)
    states: list[str] = []
    for _ in range(3):
        await inbound.apply_waiting(hub.database, appliers, hub.estate, hub.clock)
        states += await hub.states(message)

    assert states == ["received", "received", "applied"]


async def test_a_record_that_never_gets_through_is_set_aside_after_a_few_tries(hub: Hub) -> None:
    (message,) = await hub.receive("orders/create", order())
    await hub.decode()

    async def never(tx: Tx, _arrived: Sequence[Arrived], _context: ApplyContext) -> Sequence[Outcome]:
        await tx.execute("DO $$ BEGIN RAISE EXCEPTION 'too slow' USING ERRCODE = '57014'; END $$")
        raise AssertionError

    appliers = Appliers(by_type=dict.fromkeys(hub.appliers.by_type, never), vault=hub.vault)
    for _ in range(5):
        await inbound.apply_waiting(hub.database, appliers, hub.estate, hub.clock)

    assert await hub.states(message) == ["quarantined"]


async def test_a_flood_in_one_connection_does_not_queue_before_another(hub: Hub) -> None:
    body = counts(*(count(f"S{n}", n) for n in range(2000)))
    await hub.receive("counts", body, connection=OTHER, route=Route.UPLOAD)
    await hub.receive("orders/create", order(), connection=SHOP)
    await hub.decode()

    await hub.apply()

    effects = await hub.effects()
    assert effects.index("placed") < len(effects) / 4
