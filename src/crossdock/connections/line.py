"""An open connection: one client, one allowance, one session, for as long as a process uses it."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final, TypeVar

import aiohttp

from crossdock.connections.allowance import Allowance
from crossdock.connections.model import Account, NoAnswer
from crossdock.connections.rules import BreakerTerms
from crossdock.connections.settings import resolve
from crossdock.connector_kit.http import Http
from crossdock.connector_kit.model import Connector
from crossdock.connector_kit.session import Identities, Session
from crossdock.connector_kit.verdict import CallFailed, LookupMissing, Unmatched
from crossdock.foundation.clock import SYSTEM_CLOCK, Clock

URL_SETTING: Final = "url"
"""Paths of a connector are relative to this setting; a connector without it gives whole addresses."""
IDLE_S_MAX: Final = 20.0
"""Shorter than most servers keep a quiet connection, so that a write rarely meets one that they just closed."""

T = TypeVar("T")


class Line:
    """What sends, polls, probes and questions of one connection share in this process."""

    def __init__(self, connector: Connector, session: Session, allowance: Allowance) -> None:
        self.connector = connector
        self.session = session
        self.allowance = allowance

    @property
    def name(self) -> str:
        """The connection's name."""
        return self.session.connection

    def adopt(self, lookups: Mapping[str, Mapping[str, str]]) -> None:
        """Use new code tables from the next call on: mapping a code must not need a restart."""
        self.session = replace(self.session, lookups=lookups)


@asynccontextmanager
async def open_line(
    connector: Connector,
    account: Account,
    identities: Identities,
    *,
    clock: Clock = SYSTEM_CLOCK,
    environment: Mapping[str, str] = os.environ,
    terms: BreakerTerms | None = None,
) -> AsyncIterator[Line]:
    """Resolve secrets and open the client; SettingUnusableError names what is missing. No call is made yet."""
    settings = resolve(account.name, connector.settings, account.settings, environment)
    allowance = Allowance(
        connector.limits,
        clock,
        requests_per_s=account.requests_per_s,
        concurrency=account.concurrency,
        terms=terms,
    )
    sockets = aiohttp.TCPConnector(limit=allowance.concurrency, keepalive_timeout=IDLE_S_MAX)
    async with aiohttp.ClientSession(connector=sockets, cookie_jar=aiohttp.DummyCookieJar()) as client:
        session = Session(
            connection=account.name,
            settings=settings,
            lookups=account.lookups,
            identities=identities,
            http=Http(client, settings.get(URL_SETTING, ""), allowance),
            clock=clock,
        )
        yield Line(connector, session, allowance)


async def ask(line: Line, question: Callable[[Session], Awaitable[T]], *, within_s: float) -> T | NoAnswer:
    """Question a system while somebody waits: read-only, with a deadline, on the connection's own budget.

    Takes no transaction on purpose: never call it inside one. Whatever goes wrong is `NoAnswer`: the caller decides
    what it can do without.
    """
    try:
        async with asyncio.timeout(within_s):
            return await question(line.session)
    except TimeoutError:
        return NoAnswer(reason=f"{line.name} did not answer within {within_s:g} s")
    except (CallFailed, LookupMissing, Unmatched) as error:
        return NoAnswer(reason=f"{line.name}: {error}")
