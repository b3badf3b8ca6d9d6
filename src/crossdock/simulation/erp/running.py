"""`async with running_erp(seed, …) as erp:` a real Tryton with a retailer in it, for tests, demo and rehearsal."""

import asyncio
import fcntl
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crossdock.foundation.ids import new_id
from crossdock.simulation.erp import cluster, environment, seeding
from crossdock.simulation.erp.books import Books
from crossdock.simulation.erp.cluster import Cluster
from crossdock.simulation.erp.environment import Environment
from crossdock.simulation.erp.errors import ErpError
from crossdock.simulation.erp.model import RetailerSeed
from crossdock.simulation.erp.progress import Progress, Report, Step, unreported
from crossdock.simulation.erp.rpc import Rpc
from crossdock.simulation.erp.server import ADMIN, HUB, PASSWORD, Plan, Server, write_config

DATABASE: Final = "erp"
_EMPTY: Final = "empty"
_ALIVE: Final = "alive"
_SEEDS_KEPT: Final = 6


class Erp:
    """A serving ERP."""

    def __init__(self, server: Server, log: Path) -> None:
        self._server = server
        self.log = log
        self.database = DATABASE
        self.user = HUB
        self.password = PASSWORD

    @property
    def base_url(self) -> str:
        """Without the database's name; the same after a stop and a start."""
        return f"http://127.0.0.1:{self._server.port}"

    @property
    def running(self) -> bool:
        """False while it is taken down."""
        return self._server.running

    async def stop(self) -> None:
        """Take it down: connections are refused until `start`. Its data stays."""
        await self._server.stop()

    async def start(self) -> None:
        """Bring it back; returns when it answers."""
        await self._server.start()

    def books(self) -> Books:
        """What the ERP itself says, for the auditor: blocking calls, use them in a thread."""
        return Books(self.desk())

    def desk(self) -> Rpc:
        """The ERP as its own people use it, under another user than the hub's; blocking as well."""
        return Rpc(self._server.port, DATABASE, ADMIN, PASSWORD)


@dataclass(frozen=True, slots=True)
class _Workshop:
    """The cache folder of one version of Tryton."""

    folder: Path

    @property
    def lock(self) -> Path:
        return self.folder / "lock"

    @property
    def environment(self) -> Path:
        return self.folder / "environment"

    @property
    def empty(self) -> Path:
        return self.folder / "database"

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    def seeded(self, seed: RetailerSeed) -> Path:
        return self.folder / f"retailer-{seed.digest}"


@asynccontextmanager
async def running_erp(
    seed: RetailerSeed, *, cache: Path, folder: Path | None = None, report: Report = unreported
) -> AsyncIterator[Erp]:
    """A Tryton of our own with *seed* in it. The first call on a machine takes about two minutes, later ones seconds.

    *folder* keeps database and log of this run (and must be new); without it they go when the run ends. ErpError tells
    in one sentence what is missing.
    """
    async with AsyncExitStack() as stack:
        made, seeded = await prepare(seed, cache=cache, report=report)
        report(Progress(Step.STARTING, 0, 1))
        place = await stack.enter_async_context(_workplace(cache)) if folder is None else folder
        if (place / "cluster").exists():
            raise ErpError(f"The folder {place} holds an ERP already: remove it or choose another.")
        await asyncio.to_thread(cluster.copy, seeded, place)
        databases = await stack.enter_async_context(cluster.serving(place))
        server = _server(made, databases, place, DATABASE)
        stack.push_async_callback(server.stop)
        await server.start()
        report(Progress(Step.STARTING, 1, 1))
        yield Erp(server, place / "tryton.log")


async def prepare(seed: RetailerSeed, *, cache: Path, report: Report = unreported) -> tuple[Environment, Path]:
    """Make and keep whatever is missing; what an interrupted run left half-made is made anew."""
    shop = _Workshop(cache / environment.version_key())
    try:
        shop.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ErpError(
            f"The cache folder {cache} cannot be made ({error.strerror}): choose another with CROSSDOCK_CACHE."
        ) from error
    seeded = shop.seeded(seed)
    if environment.installed(shop.environment) and seeded.exists():
        seeded.touch()
        return Environment(shop.environment), seeded
    lock = await asyncio.to_thread(_locked, shop.lock, report)
    try:
        made = await asyncio.to_thread(environment.install, shop.environment, report)
        if not shop.empty.exists():
            await _make_empty(made, shop.empty, report)
        if not seeded.exists():
            await _make_seeded(made, shop.empty, seeded, seed, report)
            _forget_old(shop.folder)
        seeded.touch()
    finally:
        os.close(lock)
    return made, seeded


async def _make_empty(made: Environment, target: Path, report: Report) -> None:
    """A database with Tryton's modules and no retailer."""
    with _aside(target) as place:
        report(Progress(Step.DATABASE, 0, 1))
        async with cluster.serving(place) as databases:
            report(Progress(Step.DATABASE, 1, 1))
            await asyncio.to_thread(databases.create, _EMPTY)
            config = place / "tryton.conf"
            write_config(config, databases.tryton_url)
            await asyncio.to_thread(environment.set_up, made, config, _EMPTY, PASSWORD, report)


async def _make_seeded(made: Environment, empty: Path, target: Path, seed: RetailerSeed, report: Report) -> None:
    with _aside(target) as place:
        await asyncio.to_thread(cluster.copy, empty, place)
        async with cluster.serving(place) as databases:
            await asyncio.to_thread(databases.rename, _EMPTY, DATABASE)
            server = _server(made, databases, place, DATABASE)
            await server.start()
            try:
                await asyncio.to_thread(
                    seeding.enter, seed, lambda: Rpc(server.port, DATABASE, ADMIN, PASSWORD), report
                )
            finally:
                await server.stop()


def _server(made: Environment, databases: Cluster, place: Path, database: str) -> Server:
    config = place / "tryton.conf"
    write_config(config, databases.tryton_url)
    return Server(Plan(environment=made, config=config, database=database, log=place / "tryton.log"))


@contextmanager
def _aside(target: Path) -> Iterator[Path]:
    """A folder that gets its name only when it is complete."""
    place = target.with_name(target.name + ".new")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    yield place
    place.rename(target)


@asynccontextmanager
async def _workplace(cache: Path) -> AsyncIterator[Path]:
    """A folder for one run, gone afterwards; what killed runs have left goes too."""
    place, alive = await asyncio.to_thread(_opened, _Workshop(cache / environment.version_key()))
    try:
        yield place
    finally:
        await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)
        os.close(alive)


def _opened(shop: _Workshop) -> tuple[Path, int]:
    lock = _locked(shop.folder / "runs.lock", unreported)
    try:
        shop.runs.mkdir(exist_ok=True)
        for left in shop.runs.iterdir():
            if _abandoned(left / _ALIVE):
                shutil.rmtree(left, ignore_errors=True)
        place = shop.runs / new_id().hex
        place.mkdir()
        return place, _locked(place / _ALIVE, unreported)
    finally:
        os.close(lock)


def _abandoned(alive: Path) -> bool:
    """Its run holds a lock on it for as long as it lives."""
    try:
        found = os.open(alive, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(found)


def _locked(path: Path, report: Report) -> int:
    """One maker at a time; the system frees the lock even if we are killed."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        report(Progress(Step.WAITING, 0, 1))
        fcntl.flock(lock, fcntl.LOCK_EX)
        report(Progress(Step.WAITING, 1, 1))
    return lock


def _forget_old(folder: Path) -> None:
    """Retailers change while they are developed: the cache keeps the latest few."""
    kept = sorted(folder.glob("retailer-*"), key=lambda place: place.stat().st_mtime, reverse=True)
    for place in kept[_SEEDS_KEPT:]:
        shutil.rmtree(place, ignore_errors=True)
