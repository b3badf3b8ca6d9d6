"""Whoever says over the API that something was tomorrow is taken at his word, and a person is told."""

import pytest

from crossdock.operations import service as operations
from gateway.shop import Api, order
from gateway.test_goods import COUNT, TRANSFER
from gateway.test_stock import movement

AHEAD = "2099-01-01T00:00:00Z"
EXPECTED = {
    "reference": "P-1",
    "location": "dc",
    "revised_at": AHEAD,
    "lines": [{"sku": "TEA", "quantity": "5", "due_at": "2099-02-01T00:00:00Z"}],
}


@pytest.mark.parametrize(
    ("path", "body", "noun", "field"),
    [
        ("/v1/orders", order("W-1", placed_at=AHEAD), "order", "placed_at"),
        ("/v1/orders/batch", {"orders": [order("W-1", placed_at=AHEAD)]}, "order", "placed_at"),
        ("/v1/stock/movements", {"movements": [movement("M-1", happened_at=AHEAD)]}, "movement", "happened_at"),
        ("/v1/stock/counts", {**COUNT, "counted_at": AHEAD}, "count", "counted_at"),
        ("/v1/stock/transfers", {**TRANSFER, "happened_at": AHEAD}, "transfer", "happened_at"),
        ("/v1/stock/expected", EXPECTED, "expected_receipt", "revised_at"),
    ],
)
async def test_a_time_that_lies_ahead_is_taken_and_told(
    api: Api, path: str, body: "dict[str, object]", noun: str, field: str
) -> None:
    await api.stock("TEA", dc=10)

    told = await api.post(path, body)
    await api.post(path, body)

    assert told.status < 300, told.text
    async with api.hub.database.transaction() as tx:
        (found,) = await operations.list_exceptions(tx, type_name="clock_skew")
    assert (found.subject.partition("/")[0], found.path, found.occurrences) == (noun, f"$.{field}", 1)
    assert "2099-01-01" in found.detail


async def test_a_time_of_today_is_nothing_to_tell(api: Api) -> None:
    await api.post("/v1/orders", order("W-1"))

    async with api.hub.database.transaction() as tx:
        assert await operations.list_exceptions(tx, type_name="clock_skew") == []
