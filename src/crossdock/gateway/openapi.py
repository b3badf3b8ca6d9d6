"""The OpenAPI document: the framework's routes and the hot routes, described alike."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

import msgspec
from litestar import Litestar

from crossdock.gateway.asgi import HotRoute
from crossdock.gateway.problems import ProblemBody

Json: TypeAlias = "dict[str, Any]"  # an OpenAPI document is JSON
PROBLEM_STATUSES: Final = {
    "401": "No valid API key",
    "403": "The key lacks the scope",
    "413": "Larger than this route accepts",
    "422": "Does not fit the schema; `errors` names each path",
    "503": "Overloaded or the database is away; nothing was accepted",
}


def document(app: Litestar, routes: Iterable[HotRoute]) -> Json:
    """One OpenAPI 3.1 document for the whole API."""
    merged: Json = app.openapi_schema.to_schema()
    schemas = merged.setdefault("components", {}).setdefault("schemas", {})
    for route in routes:
        types = [route.request, *route.answers.values(), ProblemBody]
        references, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
        schemas.update(components)
        request, *answers, problem = references
        merged["paths"].setdefault(route.path, {})[route.method.lower()] = _operation(route, request, answers, problem)
    merged["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    return merged


def _operation(route: HotRoute, request: Json, answers: list[Json], problem: Json) -> Json:
    responses: Json = {
        str(status): {"description": "Done", "content": {"application/json": {"schema": schema}}}
        for status, schema in zip(route.answers, answers, strict=True)
    }
    for status, text in PROBLEM_STATUSES.items():
        responses[status] = {"description": text, "content": {"application/problem+json": {"schema": problem}}}
    return {
        "operationId": f"{route.method.lower()}{route.path.replace('/', '_')}",
        "summary": route.summary,
        "tags": [route.path.split("/")[2]],
        "security": [{"key": [str(route.scope)]}],
        "parameters": [_IDEMPOTENCY_KEY],
        "requestBody": {"required": True, "content": {"application/json": {"schema": request}}},
        "responses": responses,
    }


_IDEMPOTENCY_KEY: Final[Mapping[str, object]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "maxLength": 255},
    "description": "The same key and body get the same answer; the same key with another body is refused (422).",
}
