"""Laws of taking orders in over HTTP."""

from gateway.shop import Api, order


async def test_an_accepted_order_can_be_read_back(api: Api) -> None:
    told = await api.post("/v1/orders", order("A-1"))

    assert (told.status, told.json["outcome"]) == (202, "accepted")
    seen = await api.get(str(told.json["href"]))
    assert seen.status == 200
    assert seen.json["channel_order_id"] == "A-1"
    assert await api.count("messages") == 1
