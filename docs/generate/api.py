"""The HTTP API, from the OpenAPI document that the gateway itself serves."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final, TypeAlias

import msgspec

from crossdock.assembly.hub import Hub
from crossdock.canonical.schemas import DOCUMENTS
from crossdock.foundation.db import Database
from crossdock.foundation.settings import Settings
from crossdock.foundation.vault import Vault
from crossdock.gateway.app import gateway
from crossdock.gateway.keys import Scope

from .markdown import anchor, code, page, table
from .meanings import meaning
from .people import problems_region

Json: TypeAlias = Mapping[str, Any]  # an OpenAPI document is JSON
NO_KEY: Final = "none"
FRAMEWORK_WORDS: Final = "Request fulfilled, document follows"


@cache
def openapi() -> Json:
    """What `GET /openapi.json` answers. It needs no database, so none is opened."""
    return asyncio.run(_asked())


async def _asked() -> Json:
    hub = Hub(settings=Settings(), dsn="", database=Database(""), vault=Vault(b"\0" * 32), connectors={})
    body: list[bytes] = []

    async def receive() -> Json:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Json) -> None:
        body.append(message.get("body", b""))

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": "/openapi.json", "raw_path": b"/openapi.json", "query_string": b"", "headers": [], "root_path": "",
        "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1),
    }  # fmt: skip
    async with gateway(hub) as app:
        await app(scope, receive, send)
    document: Json = msgspec.json.decode(b"".join(body))
    return document


def routes() -> Iterable[tuple[str, str, Json]]:
    """(method, path, operation) in the order of the paths."""
    for path, operations in sorted(openapi()["paths"].items()):
        for method, operation in operations.items():
            yield method.upper(), path, operation


def api_page() -> str:
    """Every route, every body, every problem."""
    return page(
        "HTTP API",
        "Served by `crossdock up` (or `crossdock gateway`) at `CROSSDOCK_HOST`:`CROSSDOCK_PORT`, described by itself at "
        "`GET /openapi.json`. Send an API key as `Authorization: Bearer …`; `crossdock key create` makes one with the scopes that "
        "it needs. Every answer that says no is a problem document (RFC 9457) that names the field and what to do.",
        table(("route", "what it does", "scope"), [_line(*route) for route in routes()]),
        "## Scopes",
        ", ".join(code(str(scope)) for scope in Scope) + ".",
        "## Problems",
        *problems_region().split("\n\n"),
        "# Routes",
        *(part for route in routes() for part in _route(*route)),
        "# Bodies",
        *(part for name, schema in sorted(_own_schemas().items()) for part in _body(name, schema)),
    )


def _line(method: str, path: str, operation: Json) -> tuple[str, str, str]:
    return f"[`{method} {path}`](#{anchor(f'{method} {path}')})", operation.get("summary", ""), _scope(operation)


def _scope(operation: Json) -> str:
    scopes = [scope for each in operation.get("security", []) for scope in each.get("key", [])]
    return ", ".join(code(scope) for scope in scopes) or NO_KEY


def _route(method: str, path: str, operation: Json) -> Iterable[str]:
    yield f"## {method} {path}"
    yield " ".join(_sentence(operation.get(part) or "") for part in ("summary", "description")).strip()
    yield f"Scope: {_scope(operation)}."
    if parameters := operation.get("parameters"):
        yield table(("parameter", "in", "type", "meaning"), [_parameter(each) for each in parameters])
    body = operation.get("requestBody", {}).get("content", {})
    for kind, content in body.items():
        yield f"Body ({code(kind)}): {_type(content['schema']) if content['schema'] else 'as the connector reads it'}."
    answers = [
        f"{code(status)} {answer['description'].replace(FRAMEWORK_WORDS, 'Done')}"
        + (f": {_type(shown)}" if (shown := _json_schema(answer)) is not None else "")
        for status, answer in operation["responses"].items()
        if status < "4"
    ]
    refusals = [code(status) for status in operation["responses"] if status >= "4"]
    yield f"Answers: {'; '.join(answers)}. Refusals: {', '.join(refusals)}."


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return f"{text}." if text and text[-1].isalnum() else text


def _json_schema(answer: Json) -> Json | None:
    schema: Json | None = answer.get("content", {}).get("application/json", {}).get("schema")
    return schema


def _parameter(each: Json) -> tuple[str, str, str, str]:
    name = code(each["name"]) + (" (required)" if each.get("required") else "")
    said = meaning("parameter", each["name"], each.get("description", ""))
    return name, each["in"], _type(each.get("schema", {})), said


def _own_schemas() -> Mapping[str, Json]:
    """Schemas that the documents page does not describe."""
    return {name: each for name, each in openapi()["components"]["schemas"].items() if name not in _elsewhere()}


@cache
def _elsewhere() -> Mapping[str, str]:
    """Schema → where it is described: documents under their own name, their parts under their type's."""
    _, parts = msgspec.json.schema_components(tuple(DOCUMENTS.values()))
    named = {kind.__name__: name for name, kind in DOCUMENTS.items()}
    return {name: f"documents.md#{anchor(named.get(name, name))}" for name in parts}


def _body(name: str, schema: Json) -> Iterable[str]:
    yield f"## {name}"
    if text := schema.get("description"):
        yield " ".join(text.split())
    if properties := schema.get("properties"):
        required = schema.get("required", ())
        yield table(
            ("field", "type", "needed", "meaning"),
            [
                (
                    code(field),
                    _type(each),
                    "required" if field in required else "optional",
                    meaning(name, field, each.get("description", "")),
                )
                for field, each in properties.items()
            ],
        )
    else:
        yield f"{_type(schema)}."


def _type(schema: Json) -> str:
    text = str(schema.get("type", "any JSON"))
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        text = f"[{name}]({_elsewhere().get(name, f'#{anchor(name)}')})"
    elif any(each in schema for each in ("anyOf", "oneOf")):
        several: Sequence[Json] = schema.get("anyOf") or schema["oneOf"]
        text = " or ".join(_type(each) for each in several if each.get("type") != "null")
    elif "enum" in schema:
        text = "one of " + ", ".join(code(str(each)) for each in schema["enum"])
    elif text == "array":
        text = f"list of {_type(schema.get('items', {}))}"
    elif text == "object":
        values = schema.get("additionalProperties")
        text = f"{_type(values)} by name" if isinstance(values, Mapping) and values else "object"
    elif "format" in schema:
        text = "time with zone" if schema["format"] == "date-time" else str(schema["format"])
    return {"string": "text", "integer": "whole number", "boolean": "true or false"}.get(text, text)
