"""Items as their owner describes them."""

from datetime import UTC, datetime
from decimal import Decimal

from crossdock.canonical.base import Sku
from crossdock.canonical.stock import ItemDescribed
from crossdock.catalog import service as catalog
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import Origin
from crossdock.foundation.db import Database

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)


def item(sku: str, name: str = "Milk", *barcodes: str, price: str = "1.20") -> ItemDescribed:
    return ItemDescribed(sku=sku, name=name, price=Decimal(price), barcodes=barcodes)


async def test_a_description_that_says_nothing_new_changes_nothing_and_tells_nobody(database: Database) -> None:
    async with database.transaction() as tx:
        first = await catalog.describe(tx, [item("A", "Milk", "2", "1")], origin=Origin.begin("erp"), now=NOW)
        again = await catalog.describe(
            tx, [item("A", "Milk", "1", "2", price="1.200")], origin=Origin.begin("erp"), now=NOW
        )

        assert (first, again) == (1, 0)
        assert [event.type for event in await eventlog.of_stream(tx, "item/A")] == ["item.described"]


async def test_a_changed_description_replaces_the_old_one_and_is_told(database: Database) -> None:
    async with database.transaction() as tx:
        await catalog.describe(tx, [item("A"), item("B")], origin=Origin.begin("erp"), now=NOW)

        changed = await catalog.describe(tx, [item("A", "Whole milk"), item("B")], origin=Origin.begin("erp"), now=NOW)

        assert changed == 1
        assert [(each.sku, each.name) for each in await catalog.page(tx)] == [("A", "Whole milk"), ("B", "Milk")]
        assert len(await eventlog.of_stream(tx, "item/A")) == 2


async def test_pages_follow_one_another_without_loss(database: Database) -> None:
    skus = [f"S{number:03}" for number in range(25)]
    async with database.transaction() as tx:
        await catalog.describe(tx, [item(sku) for sku in reversed(skus)], origin=Origin.begin("erp"), now=NOW)

        seen: list[str] = []
        while page := await catalog.page(tx, seen[-1] if seen else "", 10):
            seen += [each.sku for each in page]

        assert seen == skus
        assert await catalog.known(tx, [Sku("S001"), Sku("none"), Sku("S001")]) == {Sku("S001")}
