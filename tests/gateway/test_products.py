"""Laws of describing items over HTTP."""

from decimal import Decimal

from crossdock.canonical.base import Sku
from crossdock.catalog import service as catalog
from crossdock.catalog.model import Traits
from gateway.shop import Api

TEA = {"sku": "OOLONG", "name": "Oolong", "barcodes": ["4006381333931"]}


async def test_an_item_is_known_once_described_and_repeating_changes_nothing(api: Api) -> None:
    first = await api.post("/v1/products", {"items": [TEA]})
    again = await api.post("/v1/products", {"items": [TEA]})

    assert (first.status, first.json["changed"], again.json["changed"]) == (200, 1, 0), first.text
    async with api.hub.database.transaction() as tx:
        assert await catalog.known(tx, {Sku("OOLONG")}) == {Sku("OOLONG")}


async def test_an_item_without_a_name_is_refused_with_its_path(api: Api) -> None:
    told = await api.post("/v1/products", {"items": [TEA, {"sku": "X"}]})

    assert told.status == 422
    assert told.paths == ["$.items[1].name"], told.text


async def test_an_items_kit_category_units_and_order_rules_are_taken_in(api: Api) -> None:
    gift = TEA | {
        "category": "gifts.tea",
        "components": [{"sku": "TEA-250", "quantity": 2}],
        "units": [{"code": "case", "factor": 12}],
        "order_minimum": 1,
        "order_maximum": "24",
        "order_multiple": 1,
    }

    told = await api.post("/v1/products", {"items": [gift]})

    assert told.status == 200, told.text
    async with api.hub.database.transaction() as tx:
        traits = (await catalog.traits(tx, [Sku("OOLONG")]))[Sku("OOLONG")]
    assert traits == Traits(
        category="gifts.tea",
        parts={Sku("TEA-250"): Decimal(2)},
        units={"case": Decimal(12)},
        order_minimum=Decimal(1),
        order_maximum=Decimal(24),
        order_multiple=Decimal(1),
    )


async def test_a_kit_that_names_itself_is_refused_with_its_path(api: Api) -> None:
    told = await api.post("/v1/products", {"items": [TEA | {"components": [{"sku": "OOLONG", "quantity": 1}]}]})

    assert told.status == 422
    assert told.paths == ["$.items[0].components[0].sku"], told.text
