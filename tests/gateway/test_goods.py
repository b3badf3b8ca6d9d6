"""Laws of moving and counting goods over HTTP."""

from gateway.shop import DC, NORTH, Api

TRANSFER = {
    "reference": "T-1",
    "from_location": DC,
    "to_location": NORTH,
    "transferred_on": "2026-11-27",
    "happened_at": "2026-11-27T09:00:00Z",
    "lines": [{"sku": "TEA", "quantity": "3"}],
}
COUNT = {
    "reference": "C-1",
    "location": DC,
    "counted_on": "2026-11-27",
    "counted_at": "2099-11-27T09:00:00Z",
    "lines": [{"sku": "TEA", "on_hand": "7"}],
}


async def on_hand(api: Api, location: str) -> object:
    page = await api.get(f"/v1/stock/positions?location={location}")
    rows = page.json["positions"]
    assert isinstance(rows, list)
    return next((row["on_hand"] for row in rows if row["sku"] == "TEA"), None)


async def test_a_transfer_moves_units_once_however_often_it_is_told(api: Api) -> None:
    await api.stock("TEA", dc=10)

    first = await api.post("/v1/stock/transfers", TRANSFER)
    again = await api.post("/v1/stock/transfers", TRANSFER)

    assert first.status == 200, first.text
    assert (first.status, first.json["outcome"], again.json["outcome"]) == (200, "recorded", "repeated")
    assert (await on_hand(api, DC), await on_hand(api, NORTH)) == ("7", "3")
    changed = await api.post("/v1/stock/transfers", {**TRANSFER, "lines": [{"sku": "TEA", "quantity": "4"}]})
    assert (changed.status, changed.paths) == (409, ["$.reference"])


async def test_a_count_sets_what_is_there_once(api: Api) -> None:
    await api.stock("TEA", dc=10)

    told = await api.post("/v1/stock/counts", COUNT)

    assert told.status == 200, told.text
    assert (told.status, told.json["outcome"], told.json["changed"]) == (200, "recorded", 1)
    assert await on_hand(api, DC) == "7"
    assert (await api.post("/v1/stock/counts", COUNT)).json["outcome"] == "repeated"


async def test_a_wrong_document_is_refused_with_its_path_and_changes_nothing(api: Api) -> None:
    await api.stock("TEA", dc=10)
    twice = {**COUNT, "lines": [{"sku": "TEA", "on_hand": "7"}, {"sku": "TEA", "on_hand": "8"}]}

    for path, body, place in (
        ("/v1/stock/transfers", {**TRANSFER, "to_location": "MOON"}, "$.to_location"),
        ("/v1/stock/transfers", {**TRANSFER, "lines": [{"sku": "TEA", "quantity": "-1"}]}, "$.lines[0]"),
        ("/v1/stock/counts", {**COUNT, "location": "MOON"}, "$.location"),
        ("/v1/stock/counts", twice, "$.data"),
    ):
        told = await api.post(path, body)
        assert (told.status, told.paths) == (422, [place]), told.json
    assert await on_hand(api, DC) == "10"


async def test_goods_that_nobody_described_are_kept_and_told_once_per_fact(api: Api) -> None:
    """Whatever brings them; a repetition says nothing new, and what is described needs no telling."""
    described = {"sku": "MUG", "name": "Mug"}
    assert (await api.post("/v1/products", {"items": [described]})).status == 200
    received = {
        "document": "movement_recorded",
        "reference": "M-1",
        "kind": "receive",
        "sku": "TEA",
        "location": DC,
        "quantity": "9",
        "happened_at": "2026-11-21T08:00:00Z",
    }
    for _ in range(2):
        batch = {
            "movements": [received, {**received, "reference": "M-2"}, {**received, "reference": "M-3", "sku": "MUG"}]
        }
        assert (await api.post("/v1/stock/movements", batch)).status == 207
        assert (await api.post("/v1/stock/transfers", TRANSFER)).status == 200
        assert (await api.post("/v1/stock/counts", COUNT)).status == 200

    assert await on_hand(api, DC) == "7"
    told = await api.rows(
        "SELECT stream, payload ->> 'subject' FROM eventlog.event WHERE type = 'item.unknown' ORDER BY position"
    )
    assert told == [
        ("item/TEA", "movement/api.test/M-1"),
        ("item/TEA", "transfer/T-1"),
        ("item/TEA", "count/C-1"),
    ]
