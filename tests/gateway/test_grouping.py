"""Laws of the grouped commit: shared transactions, single answers."""

import asyncio

import psycopg
import pytest

from crossdock.foundation.commit import OverloadedError
from crossdock.gateway.front import problem_of
from crossdock.gateway.shedding import AT_ONCE, WAITING_MAX
from gateway.shop import Api, order


@pytest.fixture
def poisoned(dsn: str) -> None:
    """The database refuses one order, whatever the program believes of it."""
    with psycopg.connect(dsn, autocommit=True) as session:
        session.execute("ALTER TABLE orders.header ADD CONSTRAINT poison CHECK (channel_order_id <> 'poison')")


async def test_many_orders_at_once_share_few_commits(api: Api) -> None:
    told = await asyncio.gather(*(api.post("/v1/orders", order(f"A-{n}")) for n in range(256)))

    assert {one.status for one in told} == {202}
    assert await api.count("orders") == 256
    assert await api.count("commits") < 128


@pytest.mark.usefixtures("poisoned")
async def test_an_order_that_the_database_refuses_does_not_fail_its_neighbours(api: Api) -> None:
    names = [f"A-{n}" for n in range(63)]
    names.insert(31, "poison")
    told = await asyncio.gather(*(api.post("/v1/orders", order(name)) for name in names))

    by_name = dict(zip(names, told, strict=True))
    assert by_name.pop("poison").kind == "internal"
    assert {one.status for one in by_name.values()} == {202}
    assert await api.count("orders") == 63


@pytest.mark.usefixtures("poisoned")
async def test_a_refused_order_leaves_nothing_behind_and_its_key_free(api: Api, dsn: str) -> None:
    assert (await api.post("/v1/orders", order("poison"), idempotency="k")).status == 500
    assert (await api.count("messages"), await api.count("facts")) == (0, 0)

    with psycopg.connect(dsn, autocommit=True) as session:
        session.execute("ALTER TABLE orders.header DROP CONSTRAINT poison")
    assert (await api.post("/v1/orders", order("poison"), idempotency="k")).status == 202


async def test_reads_that_hang_do_not_keep_orders_out_and_too_many_are_turned_away(api: Api, dsn: str) -> None:
    with psycopg.connect(dsn) as blocker:
        blocker.execute("LOCK TABLE operations.exception IN ACCESS EXCLUSIVE MODE")
        hanging = [asyncio.create_task(api.get("/v1/exceptions")) for _ in range(AT_ONCE + WAITING_MAX + 5)]
        done, _ = await asyncio.wait(hanging, return_when=asyncio.FIRST_COMPLETED)
        turned_away = done.pop().result()

        assert (turned_away.kind, turned_away.headers["Retry-After"]) == ("overloaded", "1")
        assert turned_away.headers["RateLimit"] == '"reads";r=0;t=1'
        assert (await api.post("/v1/orders", order("A-1"))).status == 202
        blocker.rollback()
        told = await asyncio.gather(*hanging)

    assert sorted({one.status for one in told}) == [200, 503]
    assert sum(one.status == 200 for one in told) == AT_ONCE + WAITING_MAX


def test_a_full_queue_is_told_with_a_time_to_come_back() -> None:
    problem = problem_of(OverloadedError("8192 entries are waiting"))

    assert (problem.status, problem.kind, problem.headers) == (503, "overloaded", {"Retry-After": "1"})
