"""The rehearsal ERP is a real one, stands as seeded, survives being taken down, and leaves nothing behind."""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import pytest

from crossdock.foundation.settings import Settings
from crossdock.simulation.erp import Books, Erp, ErpError, Progress, lifeline, prepare, running_erp
from erp_process import DC, SKUS, STORES, small_retailer

pytestmark = [pytest.mark.erp, pytest.mark.asyncio(loop_scope="session")]
Read = TypeVar("Read")


async def reading(erp: Erp, read: Callable[[Books], Read]) -> Read:
    return await asyncio.to_thread(lambda: read(erp.books()))


async def test_the_opening_stock_stands_as_seeded(erp: Erp) -> None:
    stock = await reading(erp, Books.stock)

    assert stock == {(sku, location): Decimal(100) for sku in SKUS for location in (*STORES, DC)}


async def test_the_books_are_empty_in_the_morning(erp: Erp) -> None:
    assert await reading(erp, Books.sales) == []
    assert await reading(erp, Books.shipments) == []
    assert await reading(erp, Books.invoices) == []
    assert await reading(erp, Books.journals) == []


async def test_taken_down_it_refuses_and_brought_back_it_answers_at_the_same_address(erp: Erp) -> None:
    address = erp.base_url

    await erp.stop()
    with pytest.raises(ErpError, match="does not answer"):
        await asyncio.to_thread(erp.books)
    await erp.start()

    assert erp.base_url == address
    assert len(await reading(erp, Books.stock)) == len(SKUS) * 3


async def test_two_runs_of_one_retailer_do_not_meet(erp: Erp) -> None:
    async with running_erp(small_retailer(), cache=Settings.from_environment().cache_folder) as other:
        assert other.base_url != erp.base_url
        assert len(await reading(other, Books.stock)) == len(SKUS) * 3


async def test_a_second_start_makes_nothing_anew() -> None:
    said: list[Progress] = []

    await prepare(small_retailer(), cache=Settings.from_environment().cache_folder, report=said.append)

    assert said == []


async def test_equal_retailers_have_equal_digests_and_others_differ() -> None:
    assert small_retailer().digest == small_retailer().digest
    assert replace(small_retailer(), company="Someone else").digest != small_retailer().digest


async def test_a_cache_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ErpError, match="choose another with CROSSDOCK_CACHE"):
        await prepare(small_retailer(), cache=tmp_path / "file" / "cache")


async def test_a_server_ends_with_the_process_that_holds_its_lifeline() -> None:
    keeper = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-I", "-S", lifeline.__file__),
        *(sys.executable, "-c", "import time; time.sleep(600)"),
        stdin=asyncio.subprocess.PIPE,
    )
    assert keeper.stdin is not None

    keeper.stdin.close()

    assert await asyncio.wait_for(keeper.wait(), 30) != 0
