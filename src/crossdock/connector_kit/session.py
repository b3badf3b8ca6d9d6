"""What a connector's functions get: a way to talk, the settings, the tables of codes, who is who."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from crossdock.canonical.base import ConnectionName
from crossdock.connector_kit.http import Http
from crossdock.connector_kit.verdict import LookupMissing
from crossdock.foundation.clock import Clock


class Identities(Protocol):
    """Who is who: our codes against the other system's ids, per connection and kind (sku, location, customer, …)."""

    async def theirs(self, kind: str, ours: Sequence[str]) -> Mapping[str, str]:
        """Their ids by our codes; raises Unmatched for the first that has none."""
        ...

    async def ours(self, kind: str, theirs: Sequence[str]) -> Mapping[str, str]:
        """Our codes by their ids; those that have none are left out."""
        ...

    async def document(self, kind: str, reference: str) -> str | None:
        """Their id of a document that we have landed, by our reference; None when we have not."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One connection's working environment. Lives as long as the pump; `memory` holds a log-in between calls."""

    connection: ConnectionName
    settings: Mapping[str, str] = field(repr=False)
    """Values of the connector's settings, secrets resolved; never shown, never logged."""
    lookups: Mapping[str, Mapping[str, str]]
    """The estate's code tables for this connection, ours → theirs."""
    identities: Identities
    http: Http
    clock: Clock
    memory: dict[str, str] = field(default_factory=dict, repr=False)
    entrance: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)
    """Held while logging in: calls that begin together shall not do it one by one."""

    def lookup(self, table: str, code: str) -> str:
        """Their code for ours; a `*` entry is the table's default. LookupMissing names what to add."""
        entries = self.lookups.get(table, {})
        found = entries.get(code, entries.get("*"))
        if found is None:
            raise LookupMissing(table, code)
        return found
