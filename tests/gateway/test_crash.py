"""Laws of sudden ends: what was acknowledged is there, once; nobody has to lend a hand."""

import asyncio
from pathlib import Path

import pytest
from bench.hub_process import Callers, HubProcess

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


async def test_acknowledged_orders_survive_the_sudden_end_of_hub_and_database(tmp_path: Path) -> None:
    hub = HubProcess(tmp_path)
    hub.start()
    callers = Callers(hub)
    try:
        await hub.ready()
        await asyncio.to_thread(hub.new_key)
        load = asyncio.create_task(callers.run())
        await callers.more(50)
        before = dict(callers.acknowledged)

        hub.kill()
        hub.start()
        await callers.more(50)
        assert before.items() <= hub.stored().items(), "the hub was killed: nothing acknowledged is missing"

        before = dict(callers.acknowledged)
        hub.postmaster().kill()
        await callers.more(50)
        assert before.items() <= hub.stored().items(), "the database was killed: nothing acknowledged is missing"

        callers.ending = True
        await load
        assert hub.stored() == callers.acknowledged, "everything asked for is there once, and nothing else"
        assert set(callers.acknowledged) == callers.asked
        assert callers.tried_again, "the kills were felt"
    finally:
        callers.ending = True
        if hub.process is not None and hub.process.poll() is None:
            hub.stop()


async def test_a_hub_told_to_stop_under_load_finishes_what_it_has_taken_in(tmp_path: Path) -> None:
    hub = HubProcess(tmp_path)
    hub.start()
    callers = Callers(hub)
    try:
        await hub.ready()
        await asyncio.to_thread(hub.new_key)
        load = asyncio.create_task(callers.run())
        await callers.more(50)
        await asyncio.to_thread(hub.stop)
        before = dict(callers.acknowledged)

        hub.start()
        await callers.more(10)
        callers.ending = True
        await load
        assert before.items() <= hub.stored().items()
        assert hub.stored() == callers.acknowledged
    finally:
        callers.ending = True
        if hub.process is not None and hub.process.poll() is None:
            hub.stop()
