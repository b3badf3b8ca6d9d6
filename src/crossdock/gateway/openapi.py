"""The OpenAPI document: the framework's routes and the hot routes, described alike."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec
from litestar import Litestar
from litestar.openapi.config import OpenAPIConfig
from litestar.routes import HTTPRoute
from litestar.types import ControllerRouterHandler

from crossdock import VERSION
from crossdock.canonical.schemas import take_numbers
from crossdock.gateway.front import PLACE, HotRoute
from crossdock.gateway.problems import ProblemBody

Json: TypeAlias = "dict[str, Any]"  # an OpenAPI document is JSON

CONFIG: Final = OpenAPIConfig(
    title="Crossdock",
    version=VERSION,
    summary="Orders, stock, availability and reservations of one retailer.",
)
UNCHECKED: Final = frozenset({"/healthz", "/readyz", "/openapi.json"})
ALWAYS: Final = {
    "400": "Not JSON",
    "401": "No valid API key",
    "403": "The key lacks the scope, or is for another channel",
    "422": "Does not fit the schema; `errors` names each path",
    "500": "An error of ours; nothing was accepted",
    "503": "Overloaded or the database is away: send the same request again later",
}
WITH_BODY: Final = {
    "408": "The body did not come in time",
    "413": "Larger, longer or deeper than this route accepts",
    "415": "Not a kind of body that this route takes",
}
WITH_PLACE: Final = {"404": "Nothing of that name"}
WITH_CONFLICTS: Final = {"409": "Contradicts what is already there"}
_SUCCESS: Final = {200: "Done", 201: "Done", 202: "Durable; worked on from here", 207: "One answer per item"}
_IDEMPOTENCY_KEY: Final[Mapping[str, object]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "The same key and body get the same answer; the same key with another body is refused (422).",
}
_PREFER: Final[Mapping[str, object]] = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "examples": ["wait=5"]},
    "description": "`wait=N`: answer when the order has been placed, at the latest after N seconds (RFC 7240).",
}
_KEY: Final[Mapping[str, object]] = {
    "name": "key",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9._:~-]{1,128}$"},
}


def document(cold: Sequence[ControllerRouterHandler], routes: Iterable[HotRoute]) -> Json:
    """One OpenAPI 3.1 document for the whole API."""
    describer = Litestar(route_handlers=cold, openapi_config=CONFIG, logging_config=None)
    options = {
        (method, _PLACE_TYPE.sub("}", route.path)): handler.opt
        for route in describer.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for method in handler.http_methods
    }
    merged: Json = describer.openapi_schema.to_schema()
    problem = _components(merged, [ProblemBody])[0]
    for path, operations in merged["paths"].items():
        for method, operation in operations.items():
            _finish_cold(path, method, operation, options[method.upper(), path], problem)
    for route in routes:
        described = _hot(merged, route, problem)
        merged["paths"].setdefault(route.path, {})[route.method.lower()] = described
    merged["components"]["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "An API key made by `crossdock key create`."}
    }
    return merged


def _components(merged: Json, types: list[Any]) -> list[Json]:
    """Schemas as the encoder writes them, their parts among the document's components."""
    references, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    take_numbers(components)
    merged.setdefault("components", {}).setdefault("schemas", {}).update(components)
    return [dict(reference) for reference in references]


def _finish_cold(path: str, method: str, operation: Json, options: Mapping[str, object], problem: Json) -> None:
    """What the framework does not know: scopes, problems, bodies that are taken raw."""
    operation["tags"] = [_tag(path)]
    operation["security"] = [{"key": [str(options["scope"])]}] if "scope" in options else []
    if method == "post":
        operation.setdefault("requestBody", {"required": True, "content": {"*/*": {"schema": {}}}})
    texts = {"503": ALWAYS["503"]} if path in UNCHECKED else dict(ALWAYS)
    texts |= WITH_BODY if method == "post" else {}
    texts |= WITH_PLACE if "{" in path else {}
    texts |= WITH_CONFLICTS if options.get("conflicts") else {}
    operation["responses"].pop("400", None)
    operation["responses"] |= _problems(texts, problem)


def _hot(merged: Json, route: HotRoute, problem: Json) -> Json:
    bodies = [] if route.request is None else [route.request]
    schemas = _components(merged, [*bodies, *route.answers.values()])
    texts = dict(ALWAYS)
    texts |= WITH_BODY if route.method == "POST" else {}
    texts |= WITH_PLACE if PLACE in route.path else {}
    texts |= WITH_CONFLICTS if route.conflicts else {}
    responses: Json = {
        str(status): {"description": _SUCCESS[status], "content": {"application/json": {"schema": schema}}}
        for status, schema in zip(route.answers, schemas[len(bodies) :], strict=True)
    }
    operation: Json = {
        "operationId": f"{route.method.lower()}{route.path.translate(_NAME)}",
        "summary": route.summary,
        "description": route.handle.__doc__,
        "tags": [_tag(route.path)],
        "security": [{"key": [str(route.scope)]}],
        "parameters": _parameters(route),
        "responses": responses | _problems(texts, problem),
    }
    if bodies:
        content = {"application/json": {"schema": schemas[0]}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


_PLACE_TYPE: Final = re.compile(r":\w+\}")
_NAME: Final = str.maketrans({"/": "_", "{": None, "}": None})


def _parameters(route: HotRoute) -> list[Mapping[str, object]]:
    found = list(route.parameters)
    if PLACE in route.path:
        found.append(_KEY)
    if route.idempotent:
        found.append(_IDEMPOTENCY_KEY)
    if route.waits:
        found.append(_PREFER)
    return found


def _problems(texts: Mapping[str, str], problem: Json) -> Json:
    content = {"application/problem+json": {"schema": problem}}
    return {status: {"description": text, "content": content} for status, text in texts.items()}


def _tag(path: str) -> str:
    parts = path.split("/")
    return parts[2] if parts[1] == "v1" else "process"
