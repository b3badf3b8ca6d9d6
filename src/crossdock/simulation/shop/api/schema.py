"""The schema that requests are checked against: the vendor's own where it is at hand, else ours of what we serve."""

import gzip
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, cast

import msgspec
from graphql import GraphQLSchema, IntrospectionQuery, build_client_schema, build_schema

VENDOR_FILE: Final = Path("channels/shopify/admin_introspection_2026-10.json.gz")
MINIMAL_FILE: Final = Path(__file__).with_name("minimal.graphql")


@dataclass(frozen=True, slots=True)
class Checks:
    """A schema, and whose it is."""

    schema: GraphQLSchema
    source: str
    """`vendor 2026-10` or `minimal`; every answer says so."""


class _Introspection(msgspec.Struct):
    data: dict[str, object]


def load_checks(specs: Path | None) -> Checks:
    """The vendor's schema below *specs*, or the minimal one."""
    if specs is not None and (specs / VENDOR_FILE).is_file():
        return _vendor(specs / VENDOR_FILE)
    return minimal_checks()


@cache
def minimal_checks() -> Checks:
    """Our own description of what the rehearsal shop serves."""
    return Checks(build_schema(MINIMAL_FILE.read_text(encoding="utf-8")), "minimal")


@cache
def _vendor(path: Path) -> Checks:
    introspection = msgspec.json.decode(gzip.decompress(path.read_bytes()), type=_Introspection)
    described = cast("IntrospectionQuery", introspection.data)
    return Checks(build_client_schema(described, assume_valid=True), "vendor 2026-10")
