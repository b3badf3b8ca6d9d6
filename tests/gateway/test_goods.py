"""Laws of moving and counting goods over HTTP."""

from gateway.shop import DC, NORTH, Api, Told

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


def only(told: Told) -> dict[str, object]:
    """The one line of an answer."""
    lines = told.json["lines"]
    assert isinstance(lines, list)
    (line,) = lines
    assert isinstance(line, dict)
    return line


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
        ("/v1/stock/transfers", {**TRANSFER, "lines": [{"sku": "TEA", "quantity": "-1"}]}, "$.lines[0].quantity"),
        ("/v1/stock/counts", {**COUNT, "location": "MOON"}, "$.location"),
        ("/v1/stock/counts", twice, "$.lines[1].sku"),
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


async def test_a_transfer_takes_its_way_over_http(api: Api) -> None:
    await api.stock("TEA", dc=10)
    draft = {name: value for name, value in TRANSFER.items() if name != "transferred_on"} | {"stage": "draft"}
    arrived = {"arrival": "1", "happened_at": "2026-11-27T12:00:00Z", "transferred_on": "2026-11-27"}

    assert (await api.post("/v1/stock/transfers", draft)).json["outcome"] == "recorded"
    states = [(await api.post("/v1/stock/transfers/T-1/ready", {})).json["state"]]
    left = await api.post("/v1/stock/transfers/T-1/ship", {"happened_at": "2026-11-27T09:00:00Z"})
    states.append(left.json["state"])
    listed = await api.get(f"/v1/stock/transfers?location={NORTH}")
    first = {**arrived, "lines": [{"sku": "TEA", "quantity": "1"}]}
    came = [
        await api.post("/v1/stock/transfers/T-1/receive", body) for body in (first, first, {**arrived, "arrival": "2"})
    ]
    states += [each.json["state"] for each in came]

    assert states == ["ready", "in_transit", "partly_received", "partly_received", "received"]
    assert (await on_hand(api, DC), await on_hand(api, NORTH)) == ("7", "3")
    assert [each["reference"] for each in listed.json["transfers"]] == ["T-1"]  # type: ignore[attr-defined]
    line = only(await api.get("/v1/stock/transfers/T-1"))
    assert (line["asked"], line["shipped"], line["received"], line["open"]) == ("3", "3", "3", "0")


async def test_what_cannot_happen_to_a_transfer_is_a_problem(api: Api) -> None:
    await api.post("/v1/stock/transfers", TRANSFER)
    arrived = {"arrival": "1", "happened_at": "2026-11-27T12:00:00Z", "transferred_on": "2026-11-27"}

    for path, body, status in (
        ("/v1/stock/transfers/T-1/cancel", {}, 409),
        ("/v1/stock/transfers/T-1/settle", {"reason": "counted"}, 409),
        ("/v1/stock/transfers/T-9/receive", arrived, 404),
        ("/v1/stock/transfers", {**TRANSFER, "reference": "T-2", "transferred_on": None}, 422),
    ):
        told = await api.post(path, body)
        assert told.status == status, (path, told.text)
    assert (await api.get("/v1/stock/transfers/T-9")).status == 404


PURCHASE = {
    "reference": "PO-1",
    "location": DC,
    "supplier": "Leaf & Co",
    "revised_at": "2026-11-20T09:00:00Z",
    "lines": [{"sku": "TEA", "quantity": "10", "due_at": "2026-12-01T00:00:00Z"}],
}


async def test_what_a_supplier_will_bring_is_announced_changed_received_and_given_up(api: Api) -> None:
    arrived = {
        "arrival": "1",
        "location": DC,
        "happened_at": "2026-11-27T12:00:00Z",
        "lines": [{"sku": "TEA", "quantity": "4"}],
    }
    given_up = {"closed_at": "2026-11-28T09:00:00Z", "reason": "sold out"}

    first = await api.post("/v1/stock/expected", PURCHASE)
    again = await api.post("/v1/stock/expected", PURCHASE)
    older = await api.post("/v1/stock/expected", {**PURCHASE, "revised_at": "2026-11-19T09:00:00Z", "lines": []})
    taken = [(await api.post("/v1/stock/expected/PO-1/receive", arrived)).json["outcome"] for _ in range(2)]
    listed = await api.get("/v1/stock/expected?sku=TEA&limit=1")
    closed = await api.post("/v1/stock/expected/PO-1/close", given_up)

    assert first.status == 200, first.text
    assert [each.json["outcome"] for each in (first, again, older)] == ["recorded", "repeated", "outdated"]
    assert taken == ["recorded", "repeated"]
    line = only(listed)
    assert (line["kind"], line["received"], line["open"]) == ("purchase", "4", "6")
    assert (await api.get(f"/v1/stock/expected?limit=1&after={listed.json['next']}")).json["lines"] == []
    assert closed.json["outcome"] == "recorded"
    assert await on_hand(api, DC) == "4"
    after = only(await api.get("/v1/stock/expected/PO-1"))
    assert after["open"] == "0"


async def test_a_movement_may_name_the_expected_receipt_whose_goods_it_brings(api: Api) -> None:
    await api.post("/v1/stock/expected", PURCHASE)
    movement = {
        "document": "movement_recorded",
        "reference": "r-1",
        "kind": "receive",
        "sku": "TEA",
        "location": DC,
        "quantity": "4",
        "happened_at": "2026-11-27T12:00:00Z",
        "expected": "PO-1",
    }

    await api.post("/v1/stock/movements", {"movements": [movement]})

    line = only(await api.get("/v1/stock/expected?sku=TEA"))
    assert line["open"] == "6"


async def test_a_document_that_nobody_told_of_is_not_found(api: Api) -> None:
    given_up = {"closed_at": "2026-11-28T09:00:00Z"}

    assert (await api.get("/v1/stock/expected/PO-9")).status == 404
    assert (await api.post("/v1/stock/expected/PO-9/close", given_up)).status == 404
    assert (await api.get("/v1/stock/expected?after=nonsense")).status == 422
