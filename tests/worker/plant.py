"""Hubs whose connections only write down what they are asked."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from crossdock.canonical.base import ConnectionName
from crossdock.connections import service as connections
from crossdock.connections.model import ConnectionState
from crossdock.connector_kit.model import (
    Connector,
    Damaged,
    Decoded,
    Decoder,
    FileDrop,
    Limits,
    Page,
    Pull,
    Received,
    Role,
    Setting,
)
from crossdock.connector_kit.session import Session
from crossdock.estate import service as estates
from crossdock.estate.model import Company, ConnectionConfig, Estate
from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.db import Database

LONG_S: Final = 60.0
"""A law that is not reached by then fails; none is measured against it."""
Asked = tuple[str, str]
"""(connection, its "where" setting)"""


async def eventually(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(LONG_S):
        while not true():
            await SYSTEM_CLOCK.sleep(0.01)


def nothing(_received: Received) -> Sequence[Decoded | Damaged]:
    return ()


@dataclass(slots=True)
class Diary:
    """Every poll of every connection, and what the next ones shall run into."""

    asked: list[Asked] = field(default_factory=list)
    trouble: dict[str, Exception] = field(default_factory=dict)

    async def fetch(self, session: Session, cursor: str) -> Page:
        self.asked.append((session.connection, session.settings["where"]))
        if session.connection in self.trouble:
            raise self.trouble[session.connection]
        return Page(body=b"[]", cursor=cursor, more=False)

    def times(self, *asked: Asked) -> int:
        return min(self.asked.count(each) for each in asked)

    async def until_asked(self, *asked: Asked, times: int = 1) -> None:
        """Until each was polled so often from now on."""
        self.asked.clear()
        await eventually(lambda: self.times(*asked) >= times)


def connector(diary: Diary, *, drops: tuple[FileDrop, ...] = (), decode: Decoder = nothing) -> Connector:
    return Connector(
        name="notes",
        title="Notes",
        role=Role.SHOP,
        summary="Writes down what it is asked.",
        settings=(
            Setting(name="where", title="Where", help="Told to whoever asks.", default="here"),
            Setting(name="token", title="Token", help="To be let in.", secret=True),
        ),
        limits=Limits(requests_per_s=1000, burst=1000, concurrency=5),
        pulls=(
            Pull(
                name="notes",
                fetch=diary.fetch,
                decode=decode,
                every=timedelta(milliseconds=20),
                overlap=timedelta(0),
            ),
        ),
        drops=drops,
    )


def connection(name: str, *, where: str = "here", variable: str = "TOKEN", enabled: bool = True) -> ConnectionConfig:
    return ConnectionConfig(
        name=name, connector="notes", settings={"where": where, "token": f"${{{variable}}}"}, enabled=enabled
    )


def estate(*configs: ConnectionConfig) -> Estate:
    return Estate(company=Company(name="T", currency="EUR"), connections=configs)


async def apply(database: Database, new: Estate) -> None:
    async with database.transaction() as tx:
        await estates.apply(tx, new, note="test", now=SYSTEM_CLOCK.now())


async def state_of(database: Database, name: str) -> ConnectionState:
    async with database.transaction() as tx:
        return await connections.state_of(tx, ConnectionName(name))


NO_CONNECTORS: Final[Mapping[str, Connector]] = {}
