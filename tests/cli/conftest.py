"""The command line as its user runs it: in a folder of its own, on a real database, with a connector from outside."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from crossdock.__main__ import main
from crossdock.assembly.hub import Hub, open_hub
from crossdock.assembly.registry import connectors
from crossdock.canonical.base import ConnectionName
from crossdock.foundation.postgres import ConnectionInfo, EmbeddedPostgres
from crossdock.foundation.settings import Settings
from crossdock.inbound import service as inbound
from crossdock.inbound.model import NewMessage, Route
from crossdock.worker.process import working
from databases import Shelf

Result = TypeVar("Result")
COMPANY = """\
company:
  name: Corner Shops
  currency: EUR
locations:
  - code: DC1
    name: Warehouse
    kind: warehouse
channels:
  - code: web
    name: Web shop
    currency: EUR
    pool: [DC1]
ownership:
  - owner: operations
  - owner: integration
    type: message_unreadable
    within: 30m
"""


@dataclass(frozen=True, slots=True)
class Said:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> object:
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Desk:
    """Somebody's terminal."""

    home: Path
    estate: Path
    other_side: Path
    dsn: str
    _run: Callable[..., Said]

    def run(self, *words: str) -> Said:
        return self._run(*words)

    def rows(self, *words: str) -> list[dict[str, object]]:
        """A list that a command prints as JSON."""
        found = self._run(*words, "--json").json
        assert isinstance(found, list)
        return found

    def theirs(self, name: str, content: object) -> None:
        """Put a file of JSON on the other side."""
        (self.other_side / f"{name}.json").write_text(json.dumps(content))

    def hub(self, use: Callable[[Hub], Awaitable[Result]]) -> Result:
        """Do something with the hub's own services."""

        async def run() -> Result:
            async with open_hub(Settings.from_environment(), self.dsn, connectors()) as parts:
                return await use(parts)

        return asyncio.run(run())

    def receive(self, *bodies: object, feed: str = "orders", route: Route = Route.WEBHOOK) -> list[str]:
        """Messages arrive at the connection "corner"; their ids."""

        async def store(parts: Hub) -> list[str]:
            messages = [
                NewMessage(
                    connection=ConnectionName("corner"),
                    route=route,
                    feed=feed,
                    body=body if isinstance(body, bytes) else json.dumps(body).encode(),
                )
                for body in bodies
            ]
            async with parts.database.transaction() as tx:
                return [str(each) for each in await inbound.receive(tx, parts.vault, messages, now=parts.clock.now())]

        return self.hub(store)

    def work(self, *words: str, until: Callable[[Said], bool]) -> Said:
        """Let the hub's workers work until a command says what is wanted."""

        async def run(parts: Hub) -> Said:
            said = Said(0, "", "")
            logged: list[str] = []
            async with working(parts):
                for _ in range(100):
                    said = await asyncio.to_thread(self._run, *words)
                    logged.append(said.err)
                    if until(said):
                        return said
                    await parts.clock.sleep(0.2)
            raise AssertionError(f"{words} never said so: {said}; the workers said {''.join(logged)[-3000:]}")

        return self.hub(run)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConnectionInfo]:
    """A server that keeps what it acknowledges: the commands refuse the fast one of the other tests."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres") / "data")
    connection = asyncio.run(server.start())
    try:
        yield connection
    finally:
        asyncio.run(server.stop())


@pytest.fixture(scope="session")
def shelf(cluster: ConnectionInfo) -> Shelf:
    """That server's databases."""
    return Shelf(cluster)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Somebody's connector package, as pip leaves it."""
    info = tmp_path / "site" / "corner_books-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: corner-books\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[crossdock.connectors]\ncorner = cli.corner:CONNECTOR\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    connectors.cache_clear()
    yield info.parent
    connectors.cache_clear()


@pytest.fixture
def desk(
    site: Path,
    dsn: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Desk:
    tmp_path = site.parent
    estate = tmp_path / "estate"
    estate.mkdir()
    (estate / "retailer.yaml").write_text(COMPANY)
    other_side = tmp_path / "other side"
    other_side.mkdir()
    (other_side / "password").write_text("open sesame\n")
    for name, value in {
        "CROSSDOCK_HOME": tmp_path / "home",
        "CROSSDOCK_DATABASE_URL": dsn,
        "CROSSDOCK_ESTATE": estate,
        "CROSSDOCK_USER": "ada",
        "CORNER_PASSWORD": "open sesame",
    }.items():
        monkeypatch.setenv(name, str(value))

    def run(*words: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["crossdock", *words])
        try:
            code = main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return Desk(home=tmp_path / "home", estate=estate, other_side=other_side, dsn=dsn, _run=run)


@pytest.fixture
def connected(desk: Desk) -> Desk:
    """With the estate applied and a connection "corner" in it."""
    said = desk.run(
        "connection", "add", "corner", "corner", "--channel", "web", "--flow", "sale.post",
        "--set", f"folder={desk.other_side}", "--set", "password=${CORNER_PASSWORD}",
    )  # fmt: skip
    assert said.code == 0, said
    return desk
