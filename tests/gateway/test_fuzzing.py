"""The API's own description, thrown back at it: whatever is sent, it never falls over."""

import asyncio
import json
import os
from typing import Any, Final

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, strategies
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from gateway.shop import Api

EXAMPLES: Final = int(os.environ.get("CROSSDOCK_FUZZ", "10"))
"""Of each operation, sound and unsound; CROSSDOCK_FUZZ=500 looks harder, at other examples each time."""
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
KNOWN: Final = {
    "channel": "web",
    "currency": "EUR",
    "location": "dc",
    "connection": "tills",
    "sku": "TEA",
    "mode": "ship",
}


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_nothing_that_is_sent_makes_it_fall_over(api: Api) -> None:
    """Schemathesis speaks HTTP by blocking: it gets a thread of its own while the server answers here."""
    await api.stock("TEA", dc=50)
    document = (await api.get("/openapi.json")).json

    wrong = await asyncio.to_thread(_fuzz, api, document)
    assert not wrong, "\n\n".join(f"{where}: {what}" for where, what in wrong.items())
    assert (await api.get("/readyz")).status == 200


schemathesis.openapi.format("decimal", strategies.decimals(1, 1000, places=2).map(str))


def _narrowed(document: "dict[str, Any]") -> "dict[str, Any]":
    """What is asked uses the words of this retailer, so that not everything stops at an unknown channel."""
    schemas = document["components"]["schemas"]
    asked = {f"Asked{name}": _asking(schema) for name, schema in schemas.items()}
    for schema in asked.values():
        for name, value in KNOWN.items():
            if name in schema.get("properties", {}):
                schema["properties"][name] = {"const": value}
    paths = json.loads(json.dumps(document["paths"]))
    for operation in (operation for operations in paths.values() for operation in operations.values()):
        if "requestBody" in operation:
            operation["requestBody"] = _asking(operation["requestBody"])
        for parameter in operation.get("parameters", ()):
            if parameter["name"] in KNOWN:
                parameter["schema"] = {"const": KNOWN[parameter["name"]]}
    return {**document, "paths": paths, "components": {**document["components"], "schemas": {**schemas, **asked}}}


def _asking(schema: "dict[str, Any]") -> "dict[str, Any]":
    """A copy that refers to the narrowed schemas."""
    copied: dict[str, Any] = json.loads(
        json.dumps(schema).replace("#/components/schemas/", "#/components/schemas/Asked")
    )
    return copied


def _fuzz(api: Api, document: "dict[str, Any]") -> "dict[str, str]":
    """What was found wrong, by operation and way of making data: everything, not only the first."""
    found: dict[str, str] = {}
    schema = schemathesis.openapi.from_dict(_narrowed(document))
    for described in schema.get_all_operations():
        assert isinstance(described, Ok), described
        operation = described.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                _send(api, operation.as_strategy(generation_mode=mode))
            except Unsatisfiable:
                """Nothing about it can be wrong: it takes no parameters and no body."""
            except FailureGroup as failures:
                found[f"{operation.label}, {mode.value}"] = "\n".join(str(each) for each in failures.exceptions)
    return found


def _send(api: Api, cases: SearchStrategy["schemathesis.Case[Any]"]) -> None:
    headers = {"Authorization": f"Bearer {api.key}"}

    @hypothesis.given(case=cases)
    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize="CROSSDOCK_FUZZ" not in os.environ,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def send(case: "schemathesis.Case[Any]") -> None:
        case.call_and_validate(base_url=api.url, headers=headers, checks=CHECKS, timeout=30)

    send()
