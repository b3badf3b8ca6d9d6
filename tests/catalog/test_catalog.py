"""Items as their owner describes them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from crossdock.canonical.base import Sku
from crossdock.canonical.stock import Component, HandlingUnit, ItemDescribed
from crossdock.catalog import service as catalog
from crossdock.catalog.model import OrderRule, Traits
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


# ------------------------------------------------------------------------------------------------------------ traits


def kit(sku: str, *parts: tuple[str, str], category: str = "") -> ItemDescribed:
    components = tuple(Component(sku=part, quantity=Decimal(units)) for part, units in parts)
    return ItemDescribed(sku=sku, name=sku, category=category, components=components)


def parts(**units: int | str) -> dict[Sku, Decimal]:
    return {Sku(sku): Decimal(quantity) for sku, quantity in units.items()}


async def describe(database: Database, *items: ItemDescribed, now: datetime = NOW) -> int:
    async with database.transaction() as tx:
        return await catalog.describe(tx, items, origin=Origin.begin("erp"), now=now)


async def traits(database: Database, sku: str, as_of: datetime | None = None) -> Traits:
    async with database.transaction() as tx:
        return (await catalog.traits(tx, [Sku(sku)], as_of=as_of))[Sku(sku)]


async def test_a_kit_is_taken_apart_down_to_what_is_no_kit(database: Database) -> None:
    await describe(
        database, kit("SET", ("BOX", "2"), ("CARD", "1")), kit("BOX", ("TEA", "3"), ("CARD", "0.5")), item("TEA")
    )

    assert (await traits(database, "SET")).parts == parts(TEA=6, CARD=2)
    assert (await traits(database, "BOX")).parts == parts(TEA=3, CARD="0.5")
    assert (await traits(database, "TEA")).parts is None


async def test_a_kit_that_is_part_of_itself_can_never_be_put_together(database: Database) -> None:
    await describe(database, kit("A", ("B", "1")), kit("B", ("C", "1")), kit("C", ("A", "1")))

    assert {sku: (await traits(database, sku)).parts for sku in "ABC"} == dict.fromkeys("ABC", parts())


async def test_kits_deeper_than_anybody_looks_cannot_be_put_together_either(database: Database) -> None:
    await describe(database, *(kit(f"K{n}", (f"K{n + 1}", "1")) for n in range(catalog.LEVELS_MAX + 2)))

    assert (await traits(database, "K0")).parts == {}
    assert (await traits(database, "K3")).parts == parts(**{f"K{catalog.LEVELS_MAX + 2}": 1})


async def test_every_kit_that_holds_an_item_is_found_through_the_kits_between(database: Database) -> None:
    await describe(database, kit("SET", ("BOX", "1")), kit("BOX", ("TEA", "3")), kit("OTHER", ("MILK", "1")))

    async with database.transaction() as tx:
        assert await catalog.kits_with(tx, [Sku("TEA")]) == {"SET", "BOX"}
        assert await catalog.kits_with(tx, [Sku("MILK"), Sku("BOX")]) == {"SET", "OTHER"}


async def test_an_item_that_nobody_described_has_the_traits_of_any_item(database: Database) -> None:
    assert await traits(database, "NOBODY") == Traits()


async def test_what_held_at_a_past_moment_is_told_for_that_moment(database: Database) -> None:
    moments = [NOW + timedelta(hours=hour) for hour in range(4)]
    await describe(database, kit("A", ("B", "2"), category="gifts"), now=moments[1])
    await describe(database, kit("A", ("B", "2"), category="gifts"), now=moments[2])
    await describe(database, kit("A", ("B", "3"), category="gifts.tea"), now=moments[3])

    told = [await traits(database, "A", at) for at in moments]
    assert [(each.category, each.parts) for each in told] == [
        ("", None),
        ("gifts", parts(B=2)),
        ("gifts", parts(B=2)),
        ("gifts.tea", parts(B=3)),
    ]
    assert await traits(database, "A") == told[-1]


async def test_a_category_holds_everything_below_it_and_nothing_beside_it(database: Database) -> None:
    paths = {"A": "food", "B": "food.dairy", "C": "food.dairy.milk", "D": "foodstuff", "E": ""}
    await describe(database, *(ItemDescribed(sku=sku, name=sku, category=path) for sku, path in paths.items()))

    async with database.transaction() as tx:
        assert set(await catalog.in_category(tx, "food")) == {"A", "B", "C"}
        assert set(await catalog.in_category(tx, "food.dairy")) == {"B", "C"}


async def test_kits_and_untracked_items_are_listed_page_by_page(database: Database) -> None:
    await describe(database, item("A"), kit("B", ("A", "1")), ItemDescribed(sku="C", name="Gift card", tracked=False))

    async with database.transaction() as tx:
        assert await catalog.without_stock(tx, Sku(""), limit=1) == ["B"]
        assert await catalog.without_stock(tx, Sku("B"), limit=9) == ["C"]


async def test_of_two_descriptions_in_one_batch_the_later_one_counts(database: Database) -> None:
    assert await describe(database, item("A", "Milk"), item("A", "Whole milk")) == 1

    async with database.transaction() as tx:
        assert [each.name for each in await catalog.page(tx)] == ["Whole milk"]


# ------------------------------------------------------------------------------------------------- units, quantities

CASES = Traits(units={"case": Decimal(12), "g": Decimal("0.001"), "odd": Decimal("0.000003")})


@pytest.mark.parametrize(
    ("quantity", "unit", "own"),
    [("2", "case", "24"), ("0.5", "case", "6"), ("250", "g", "0.25"), ("1", "pallet", None), ("0.5", "odd", None)],
)
def test_a_unit_is_converted_exactly_or_not_at_all(quantity: str, unit: str, own: str | None) -> None:
    assert catalog.in_own_unit(Decimal(quantity), unit, CASES) == (None if own is None else Decimal(own))


@pytest.mark.parametrize(
    ("quantity", "broken"),
    [("6", None), ("12", None), ("3", OrderRule.MINIMUM), ("36", OrderRule.MAXIMUM), ("7.5", OrderRule.MULTIPLE)],
)
def test_an_ordered_quantity_keeps_to_the_items_rules(quantity: str, broken: OrderRule | None) -> None:
    sixes = Traits(order_minimum=Decimal(6), order_maximum=Decimal(24), order_multiple=Decimal(3))

    assert catalog.broken_rule(Decimal(quantity), sixes) is broken


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"components": (Component(sku="A", quantity=Decimal(1)),)}, "must not name the item itself"),
        ({"components": (Component(sku="B", quantity=Decimal(1)),) * 2}, r"`components\[1\].sku` is the same as"),
        ({"units": (HandlingUnit(code="each", factor=Decimal(6)),)}, r"`units\[0\].code` must differ from the item"),
        ({"order_multiple": Decimal(0)}, "`order_multiple` must be greater than 0"),
    ],
)
def test_a_description_that_contradicts_itself_is_refused(wrong: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        ItemDescribed(**{"sku": "A", "name": "A", **wrong})  # type: ignore[arg-type]
