"""Whoever sends what does not fit is told all of it: the field, the value, what would fit, what to do."""

import json

import pytest

from gateway.shop import JSON, Api, Told, line, order

CANCEL = "/v1/orders/01a1ff2d-6a4a-7000-85aa-9b54b4dbf59f/cancel"
COUNT = {
    "reference": "C-1",
    "location": "dc",
    "counted_on": "2026-11-21",
    "counted_at": "2026-11-21T08:00:00Z",
    "lines": [{"sku": "TEA", "on_hand": "7"}],
}
MOVEMENT = {
    "reference": "M-1",
    "kind": "receive",
    "sku": "TEA",
    "location": "dc",
    "quantity": "5",
    "happened_at": "2026-11-21T08:00:00Z",
}


def errors(told: Told) -> "list[dict[str, str]]":
    found = told.json["errors"]
    assert isinstance(found, list)
    return found


def items(told: Told) -> "list[dict[str, object]]":
    found = told.json["items"]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize(
    ("wrong", "path", "reason"),
    [
        ({"lines": [line(quantity="0")]}, "$.lines[0].quantity", 'must be greater than 0, got "0"'),
        (
            {"lines": [line(quantity="1_000")]},
            "$.lines[0].quantity",
            'wanted a decimal number like "12.50", got "1_000"',
        ),
        ({"lines": [line(quantity="١٢")]}, "$.lines[0].quantity", 'wanted a decimal number like "12.50", got "١٢"'),
        ({"lines": [line(quantity=" 1 ")]}, "$.lines[0].quantity", 'wanted a decimal number like "12.50", got " 1 "'),
        ({"lines": [line(), line()]}, "$.lines[1].line_id", "is the same as lines[0].line_id"),
        ({"lines": [line("A\u200bB")]}, "$.lines[0].sku", "without control or invisible characters"),
        ({"channel_order_id": "W\x1b[31m"}, "$.channel_order_id", 'characters, got "W\\u001b[31m"'),
        ({"currency": "ABC"}, "$.currency", "must be an ISO 4217 currency code like EUR, got 'ABC'"),
        ({"mode": "fly"}, "$.mode", 'wanted one of ship, pickup, got "fly"'),
        ({"lines": []}, "$.lines", "wanted at least 1 entry, got 0"),
        ({"colour": "red"}, "$.colour", "is not known here"),
        ({"note": "\x00"}, "$.note", "U+0000"),
        ({"channel": "moon"}, "$.channel", 'there is no channel "moon" (known: app, web)'),
    ],
)
async def test_a_misfit_names_its_field_and_its_value(
    api: Api, wrong: "dict[str, object]", path: str, reason: str
) -> None:
    told = await api.post("/v1/orders", order("W-1") | wrong)

    (error,) = errors(told)
    assert (told.status, error["path"]) == (422, path)
    assert reason in error["reason"], error
    assert await api.count("messages") == 0


async def test_all_that_does_not_fit_is_told_at_once_and_what_to_do(api: Api) -> None:
    told = await api.post(
        "/v1/orders",
        order("W-1", line(quantity="x"), line(price="-1", line_id=" 2")) | {"mode": "fly", "currency": "ABC"},
    )

    assert told.paths == [
        "$.currency",
        "$.lines[0].quantity",
        "$.lines[1].line_id",
        "$.lines[1].unit_price",
        "$.mode",
    ]
    assert (
        told.json["detail"] == "5 values do not fit. Correct what `errors` names and send it again: it was not taken."
    )


async def test_a_field_that_stands_twice_is_refused(api: Api) -> None:
    """Of two quantities nobody knows which was meant."""
    body = json.dumps(order("W-1")).replace('"quantity": "1"', '"quantity": "1", "quantity": "50"')

    told = await api.ask("POST", "/v1/orders", raw=body.encode(), headers=JSON)

    assert (told.status, told.paths) == (422, ["$.lines[0].quantity"])


async def test_one_name_in_two_spellings_is_one_order(api: Api) -> None:
    first = await api.post("/v1/orders", order("caf\u00e9"))
    raw = json.dumps(order("cafe\u0301"), ensure_ascii=False).encode()
    again = await api.ask("POST", "/v1/orders", raw=raw, headers=JSON)
    escaped = await api.post("/v1/orders", order("cafe\u0301"))

    assert first.status == 202
    assert [each.json["outcome"] for each in (again, escaped)] == ["repeated", "repeated"]
    assert await api.count("orders") == 1


async def test_a_refused_item_of_a_batch_repeats_the_senders_name(api: Api) -> None:
    orders = [order("W-1"), order("W-2", line(quantity="0")), order("W-3", line(quantity="1_0"))]
    told = await api.post("/v1/orders/batch", {"orders": orders})
    assert [(item["channel_order_id"], item["status"]) for item in items(told)] == [
        ("W-1", 202),
        ("W-2", 422),
        ("W-3", 422),
    ]

    told = await api.post("/v1/stock/movements", {"movements": [MOVEMENT | {"quantity": "x"}, MOVEMENT]})
    assert [(item["reference"], item["status"]) for item in items(told)] == [("M-1", 422), ("M-1", 202)]


async def test_a_twice_named_field_in_a_batch_fails_only_its_own_order(api: Api) -> None:
    twice = json.dumps(order("W-2")).replace('"quantity": "1"', '"quantity": "1", "quantity": "50"')
    body = f'{{"orders": [{json.dumps(order("W-1"))}, {twice}]}}'

    told = await api.ask("POST", "/v1/orders/batch", raw=body.encode(), headers=JSON)

    assert [item["status"] for item in items(told)] == [202, 422]


async def test_a_reference_that_stands_for_something_else_is_answered_with_a_problem(api: Api) -> None:
    told = await api.post("/v1/stock/movements", {"movements": [MOVEMENT, MOVEMENT | {"quantity": "6"}]})

    problem = items(told)[1]["problem"]
    assert isinstance(problem, dict)
    assert (problem["status"], problem["type"].rpartition("/")[2]) == (409, "reference-reused")
    assert problem["errors"][0]["path"] == "$.movements[1].reference"


async def test_a_reservation_key_that_stands_for_other_units_says_so(api: Api) -> None:
    await api.stock("TEA", dc=5)
    hold = {"key": "cart-1", "channel": "web", "lines": [{"sku": "TEA", "quantity": "1"}]}
    assert (await api.post("/v1/reservations", hold)).status == 201

    told = await api.post("/v1/reservations", hold | {"lines": [{"sku": "TEA", "quantity": "2"}]})

    assert (told.kind, told.json["title"]) == (
        "reservation-key-reused",
        "This reservation key was used for other units",
    )
    assert told.paths == ["$.key"]


@pytest.mark.parametrize(
    ("path", "body", "paths"),
    [
        ("/v1/stock/counts", COUNT | {"lines": [{"sku": "TEA", "on_hand": "-1"}]}, ["$.lines[0].on_hand"]),
        ("/v1/stock/counts", COUNT | {"counted_on": "1. May", "lines": [{}]}, [
            "$.counted_on", "$.lines[0].sku", "$.lines[0].on_hand",
        ]),
        ("/v1/stock/transfers", {}, [f"$.{name}" for name in (
            "reference", "from_location", "to_location", "happened_at", "lines",
        )]),
        ("/v1/products", {"items": [{"sku": "TEA", "name": "Tea", "order_multiple": "0"}]}, ["$.items[0].order_multiple"]),
        (CANCEL, {"reason": 5}, ["$.reason"]),
        (CANCEL, {"reason": "x" * 501}, ["$.reason"]),
        ("/v1/stock/expected", {"reference": "P-1"}, ["$.location", "$.revised_at", "$.lines"]),
    ],
)  # fmt: skip
async def test_every_route_names_the_fields_of_its_document(
    api: Api, path: str, body: "dict[str, object]", paths: "list[str]"
) -> None:
    told = await api.post(path, body)

    assert (told.status, told.paths) == (422, paths), told.text


@pytest.mark.parametrize("path", ["/v1/orders", "/v1/stock/counts", "/v1/products", CANCEL])
async def test_an_empty_body_is_said_to_be_empty(api: Api, path: str) -> None:
    told = await api.ask("POST", path, raw=b"", headers=JSON)

    assert (told.status, told.kind) == (400, "malformed")
    assert told.json["detail"] == "the body is empty: send a JSON object"


async def test_a_body_of_another_kind_is_told_which_one_is_taken(api: Api) -> None:
    told = await api.ask("POST", "/v1/orders", raw=b"<order/>", headers={"Content-Type": "text/xml"})

    assert (told.status, told.json["title"]) == (415, "This route does not take a body of that kind")
    assert told.json["detail"] == 'this body calls itself "text/xml": send application/json'


async def test_lines_that_add_up_to_more_than_any_shop_has_are_refused(api: Api) -> None:
    lines = [{"sku": "TEA", "quantity": "9" * 18}] * 2

    told = await api.post("/v1/reservations", {"key": "cart-1", "channel": "web", "lines": lines})

    assert (told.status, told.paths) == (422, ["$.lines"])


@pytest.mark.parametrize(
    ("path", "parameter", "reason"),
    [
        ("/v1/orders?limit=many", "?limit", 'wanted a whole number, got "many"'),
        ("/v1/availability/explain?sku=TEA", "?channel", "is required"),
        ("/v1/availability?sku=TEA&channel=web&mode=fly", "?mode", 'wanted one of ship, pickup, got "fly"'),
    ],
)
async def test_a_parameter_that_does_not_fit_is_told_in_words(api: Api, path: str, parameter: str, reason: str) -> None:
    told = await api.get(path)

    (error,) = errors(told)
    assert (told.status, error["path"], error["reason"]) == (422, parameter, reason)


async def test_a_name_in_an_address_is_spelled_like_one_in_a_body(api: Api) -> None:
    await api.stock("caf\u00e9", dc=5)

    for sku in ("caf%C3%A9", "cafe%CC%81"):
        positions = (await api.get(f"/v1/stock/positions?sku={sku}")).json["positions"]
        assert isinstance(positions, list)
        assert [each["sku"] for each in positions] == ["caf\u00e9"]
