"""Laws of the surface as a whole: methods, problems, the description, the feed, health."""

import json
from pathlib import Path
from uuid import UUID

import jsonschema
from jsonschema import Draft202012Validator

from crossdock.eventlog.service import Origin
from crossdock.operations import service as operations
from crossdock.operations.closing import close
from crossdock.operations.model import Matter
from gateway.shop import Api, order

ROOT = Path(__file__).parents[2]
HTTP_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


async def test_every_path_answers_every_method_in_an_orderly_way(api: Api) -> None:
    document = (await api.get("/openapi.json")).json
    assert isinstance(document["paths"], dict)
    for path, declared in document["paths"].items():
        place = (
            path.replace("{order_id}", "0198c5a1-0000-7000-8000-000000000001")
            .replace("{key}", "k")
            .replace("{connection}", "tills")
        )
        allowed = {name.upper() for name in declared} | {"OPTIONS"} | ({"HEAD"} if "get" in declared else set())
        asked = await api.ask("OPTIONS", place)
        assert (asked.status, set(asked.headers["Allow"].split(", "))) == (204, allowed), path
        for method in HTTP_METHODS:
            told = await api.ask(method, place)
            if method in allowed:
                assert told.status != 405, (method, path)
                continue
            assert told.status == 405, (method, path)
            assert set(told.headers["Allow"].split(", ")) == allowed
            assert method == "HEAD" or told.kind == "method-not-allowed"


async def test_head_is_get_without_the_body(api: Api) -> None:
    got = await api.get("/v1/orders")
    head = await api.ask("HEAD", "/v1/orders")

    assert (head.status, head.text) == (200, "")
    assert head.headers["Content-Length"] == str(len(got.text))


async def test_what_is_not_there_is_a_problem_document(api: Api) -> None:
    for path in ("/", "/v1", "/v1/nothing", "/v2/orders", "/v1/orders/", "/v1/reservations/a/b/commit", "/schema"):
        told = await api.get(path)
        assert (told.status, told.kind) == (404, "not-found"), path
        assert told.json["instance"] == path


async def test_the_description_is_valid_and_complete(api: Api) -> None:
    """OpenAPI 3.1 schemas are JSON Schema 2020-12; every reference leads somewhere, every operation says who may."""
    document = (await api.get("/openapi.json")).json
    text = json.dumps(document)
    assert str(document["openapi"]).startswith("3.1")
    components = document["components"]
    assert isinstance(components, dict)
    for name, schema in components["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert f"#/components/schemas/{name}" in text, f"nobody refers to {name}"
    for part in text.split('"#/components/schemas/')[1:]:
        assert part.partition('"')[0] in components["schemas"]
    assert isinstance(document["paths"], dict)
    ids = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            ids.append(operation["operationId"])
            assert operation["summary"], path
            assert operation["tags"], path
            assert "security" in operation, path
            assert ("requestBody" in operation) <= (method == "post"), path
            placed = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
            assert placed == {part[1:-1] for part in path.split("/") if part.startswith("{")}, path
    assert len(set(ids)) == len(ids)


async def test_hot_and_cold_routes_are_described_alike(api: Api) -> None:
    document = (await api.get("/openapi.json")).json
    assert isinstance(document["paths"], dict)
    hot = document["paths"]["/v1/orders"]["post"]
    cold = document["paths"]["/v1/orders"]["get"]

    assert set(hot) >= {"summary", "operationId", "tags", "security", "responses", "parameters"}
    assert set(cold) >= {"summary", "operationId", "tags", "security", "responses", "parameters"}
    assert hot["responses"]["422"] == cold["responses"]["422"]


async def test_answers_fit_their_description(api: Api) -> None:
    await api.stock("TEA", dc=5)
    document = (await api.get("/openapi.json")).json
    placed = await api.post("/v1/orders", order("A-1"))
    asked = [
        ("/v1/orders", "post", "202", placed),
        ("/v1/orders", "get", "200", await api.get("/v1/orders")),
        ("/v1/orders/{order_id}", "get", "200", await api.get(str(placed.json["href"]))),
        ("/v1/orders/{order_id}/trace", "get", "200", await api.get(f"{placed.json['href']}/trace")),
        ("/v1/events", "get", "200", await api.get("/v1/events")),
        ("/v1/stock/positions", "get", "200", await api.get("/v1/stock/positions")),
        (
            "/v1/availability/explain",
            "get",
            "200",
            await api.get("/v1/availability/explain?sku=TEA&channel=web"),
        ),
        (
            "/v1/availability/query",
            "post",
            "200",
            await api.post("/v1/availability/query", {"channel": "web", "skus": ["TEA"]}),
        ),
        (
            "/v1/reservations",
            "post",
            "201",
            await api.post(
                "/v1/reservations", {"key": "k", "channel": "web", "lines": [{"sku": "TEA", "quantity": "1"}]}
            ),
        ),
        ("/v1/reservations/{key}", "get", "200", await api.get("/v1/reservations/k")),
        ("/v1/exceptions", "get", "200", await api.get("/v1/exceptions")),
        ("/v1/intents", "get", "200", await api.get("/v1/intents")),
        ("/v1/orders", "post", "422", await api.post("/v1/orders", {})),
    ]
    assert isinstance(document["paths"], dict)
    for path, method, status, told in asked:
        (content,) = document["paths"][path][method]["responses"][status]["content"].values()
        schema = {**content["schema"], "components": document["components"]}
        jsonschema.validate(told.json, schema, cls=Draft202012Validator)


async def test_the_feed_gives_every_fact_once_in_commit_order(api: Api) -> None:
    for n in range(5):
        await api.post("/v1/orders/batch", {"orders": [order(f"A-{n}-{m}") for m in range(4)]})
    names: list[str] = []
    after: object = ""
    while True:
        page = (await api.get(f"/v1/events?limit=3&after={after}&types=order.accepted")).json
        assert isinstance(page["events"], list)
        if not page["events"]:
            break
        names += [event["payload"]["channel_order_id"] for event in page["events"]]
        after = page["next"]

    assert names == [f"A-{n}-{m}" for n in range(5) for m in range(4)]


async def test_metrics_tell_what_was_taken_in_and_what_waits(api: Api) -> None:
    await api.post("/v1/orders", order("A-1"))
    await api.post("/v1/orders", order("A-1"))
    told = await api.get("/metrics")

    assert told.headers["Content-Type"].startswith("text/plain")
    for line in (
        'crossdock_intake_total{outcome="accepted",write="orders"} 1.0',
        'crossdock_intake_total{outcome="repeated",write="orders"} 1.0',
        'crossdock_commit_requests_count{write="orders"} 2.0',
        'crossdock_commit_waiting{write="orders"} 0.0',
        "crossdock_reads_shed_total 0.0",
        "crossdock_horizon_age_seconds 0.0",
    ):
        assert line in told.text


async def test_every_figure_is_explained_where_people_look_for_it(api: Api) -> None:
    page = (ROOT / "docs" / "how-to" / "watch-the-hub.md").read_text("utf-8")
    told = (await api.get("/metrics")).text
    named = {line.split()[2] for line in told.splitlines() if line.startswith("# TYPE crossdock_")}

    assert named
    assert [name for name in sorted(named) if f"`{name.removesuffix('_created')}`" not in page] == []


async def test_a_body_that_calls_itself_something_else_than_json_is_not_read(api: Api) -> None:
    for number, said in enumerate(
        ("application/json; charset=utf-8", "application/vnd.partner+json", "application/JSON")
    ):
        told = await api.ask("POST", "/v1/orders", order(f"A-{number}"), headers={"Content-Type": said})
        assert told.status == 202, said
    for headers in (
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ):
        for path in ("/v1/orders", "/v1/orders/batch", "/v1/stock/movements", "/v1/reservations"):
            told = await api.ask("POST", path, raw=b"{}", headers=headers)
            assert (told.status, told.kind) == (415, "unsupported-media-type"), (path, headers)


async def test_exceptions_come_in_pages_that_stay_whole_while_people_work(api: Api) -> None:
    async with api.hub.database.transaction() as tx:
        estate = await api.hub.estate.get(tx)
        for number in range(7):
            matter = Matter(type="feed_silent", key=f"feed/tills/{number}", subject="connection/tills", detail="")
            await operations.open_exception(tx, estate, matter, origin=Origin.begin("tests"), now=api.hub.clock.now())
    names: list[object] = []
    after = ""
    while True:
        page = (await api.get(f"/v1/exceptions?limit=2&after={after}")).json
        assert isinstance(page["exceptions"], list)
        names += [each["exception_id"] for each in page["exceptions"]]
        if page["next"] is None:
            break
        after = str(page["next"])
        async with api.hub.database.transaction() as tx:  # the last one seen is closed: its place is still known
            last = await operations.get(tx, UUID(str(names[-1])))
            assert last is not None
            await close(tx, last.key, "seen to", origin=Origin.begin("tests"), now=api.hub.clock.now())

    assert len(names) == len(set(names)) == 7
    for strange in ("x", "open~x~y", "open~1e400~0198c5a1-0000-7000-8000-000000000001"):
        told = await api.get(f"/v1/exceptions?after={strange}")
        assert (told.status, told.paths) == (422, ["?after"])


async def test_a_filtered_feed_passes_what_it_leaves_out(api: Api) -> None:
    for number in range(5):
        await api.post("/v1/orders", order(f"A-{number}"))
    first = (await api.get("/v1/events?types=stock.short")).json
    everything = (await api.get("/v1/events?limit=500")).json

    assert first["events"] == []
    assert first["next"] == everything["next"]
    told = await api.get("/v1/events?types=stock.short,order.excepted")
    assert (told.status, told.paths) == (422, ["?types"])
    assert "order.accepted" in told.text
