"""A hub's view of the real ERP: an open connection with every item and location linked by its code."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace

import aiohttp
import pytest_asyncio

from crossdock.canonical.base import ConnectionName
from crossdock.connector_kit.http import Http
from crossdock.connector_kit.session import Session
from crossdock.connector_kit.verdict import Unmatched
from crossdock.connectors.tryton import CONNECTOR
from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.simulation.erp import Erp
from erp_process import erp

__all__ = ["erp"]


class Known:
    """Identities in memory, for a connection whose links never change."""

    def __init__(self) -> None:
        self._theirs: dict[tuple[str, str], str] = {}
        self._documents: dict[tuple[str, str], str] = {}

    def link(self, kind: str, ours: str, theirs: str) -> None:
        self._theirs[kind, ours] = theirs

    async def theirs(self, kind: str, ours: Sequence[str]) -> Mapping[str, str]:
        for code in ours:
            if (kind, code) not in self._theirs:
                raise Unmatched(kind, code)
        return {code: self._theirs[kind, code] for code in ours}

    async def ours(self, kind: str, theirs: Sequence[str]) -> Mapping[str, str]:
        return {known: code for (of, code), known in self._theirs.items() if of == kind and known in theirs}

    async def document(self, kind: str, reference: str) -> str | None:
        return self._documents.get((kind, reference))


def settings(erp: Erp) -> Mapping[str, str]:
    given = {
        "url": erp.base_url,
        "database": erp.database,
        "user": erp.user,
        "password": erp.password,
        "journal": "TILLS",
        "web_customer": "WEB",
        "walk_in": "WALKIN",
        "rounding_item": "ROUNDING",
        "warehouse": "DC1",
    }
    return {setting.name: given.get(setting.name, setting.default or "") for setting in CONNECTOR.settings}


LOOKUPS = {
    "tax": {"standard": "STANDARD", "reduced": "REDUCED"},
    "account": {"tender.cash": "CASH", "tender.card": "CARD", "revenue": "STORES", "tax": "TAX"},
    "charge": {"shipping": "SHIPPING"},
    "web_shop": {"*": "Web shop"},
}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def session(erp: Erp) -> AsyncIterator[Session]:
    known = Known()
    async with aiohttp.ClientSession() as client:
        mine = Session(
            connection=ConnectionName("erp"),
            settings=settings(erp),
            lookups=LOOKUPS,
            identities=known,
            http=Http(client, erp.base_url),
            clock=SYSTEM_CLOCK,
        )
        assert CONNECTOR.directory is not None
        for kind in ("sku", "location"):
            async for thing in CONNECTOR.directory(mine, kind):
                known.link(kind, thing.code, thing.id)
        yield mine


@pytest_asyncio.fixture(loop_scope="session")
async def newcomer(session: Session) -> Session:
    """The same connection before its first log-in."""
    return replace(session, memory={})
