"""Laws of describing items over HTTP."""

from crossdock.canonical.base import Sku
from crossdock.catalog import service as catalog
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
    assert told.paths == ["$.items[1]"], told.text
