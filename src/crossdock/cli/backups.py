"""`crossdock backup` and `crossdock restore`: the whole database as one file, while trading."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from crossdock.assembly.hub import open_database
from crossdock.cli.context import settings
from crossdock.cli.output import AsJson, CommandError, Flag, errors, print_json, say, shown
from crossdock.foundation import backup as archive
from crossdock.foundation.backup import BackupError, Manifest, Progress
from crossdock.foundation.db import Database
from crossdock.foundation.migrations import apply_migrations
from crossdock.foundation.postgres import EmbeddedPostgres, running
from crossdock.foundation.settings import Settings
from crossdock.foundation.vault import MASTER_KEY_FILE
from crossdock.operations.people import service as people
from crossdock.operations.people.register import entries

STAGES: Final = {"dump": "reading", "count": "counting", "check": "checking", "restore": "writing"}


async def backup(file: Path, *, json: AsJson = False) -> int:
    """Write everything the hub knows into one file, complete or not at all, while others go on trading.

    Args:
        file: A new file; it holds personal data and is readable by you alone.
        json: Print JSON for machines.
    """
    chosen = settings()
    with _sentences():
        async with _serving(chosen) as dsn:
            with _bar() as progress:
                manifest = await archive.backup(dsn, file, on_progress=progress)
    _report(manifest, file, "written", as_json=json)
    if not json:
        key = (chosen.home / MASTER_KEY_FILE).resolve()
        say(f"Keep a copy of {key} in another place: without it nobody can read names and addresses.", "yellow")
    return 0


async def restore(file: Path, *, replace: Flag = False, json: AsJson = False) -> int:
    """Check a backup and load it, whole or not at all, into an empty database, then bring it to this release's schema.

    Args:
        file: What `crossdock backup` wrote.
        replace: What the database holds now is dropped, in the same transaction.
        json: Print JSON for machines.
    """
    chosen = settings()
    if not chosen.database_url and running(chosen.home / "postgres") is not None:
        raise CommandError(f"A hub runs on {chosen.home}: stop it first.")
    with _sentences():
        async with _bare(chosen) as dsn:
            with _bar() as progress:
                manifest = await archive.restore(file, dsn, replace=replace, on_progress=progress)
            await asyncio.to_thread(apply_migrations, dsn)
            again = await _forget_again(chosen, dsn)
    _report(manifest, file, "restored", as_json=json)
    if again and not json:
        say(f"{again} people who were erased after that backup are erased again.")
    key = (chosen.home / MASTER_KEY_FILE).resolve()
    if not json and not _exists(key):
        say(f"Put the master key of the hub that was backed up into {key} before you start this one.", "yellow")
    return 0


async def _forget_again(chosen: Settings, dsn: str) -> int:
    """A backup brings back the keys of people who were erased since it was made: it must not bring back the people."""
    erased = await asyncio.to_thread(entries, chosen.home)
    again = 0
    async with Database(dsn, size_max=1) as database:
        for entry in erased:
            async with database.transaction() as tx:
                again += await people.forget_again(tx, entry)
    return again


def _exists(file: Path) -> bool:
    return file.exists()


@asynccontextmanager
async def _serving(chosen: Settings) -> AsyncIterator[str]:
    """The hub's database: that of a running hub, or started for this command."""
    found = None if chosen.database_url else running(chosen.home / "postgres")
    async with AsyncExitStack() as stack:
        yield found.dsn if found is not None else await stack.enter_async_context(open_database(chosen))


@asynccontextmanager
async def _bare(chosen: Settings) -> AsyncIterator[str]:
    """The database without any schema: a restore brings its own."""
    if chosen.database_url:
        yield chosen.database_url
        return
    async with EmbeddedPostgres(chosen.home / "postgres") as server:
        yield server.connection.dsn


@contextmanager
def _sentences() -> Iterator[None]:
    try:
        yield
    except BackupError as error:
        raise CommandError(str(error)) from error


@contextmanager
def _bar() -> Iterator[archive.OnProgress]:
    """A moving line on a terminal; silence elsewhere."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Bar(*columns, TimeElapsedColumn(), console=errors, transient=True) as bar:
        task = bar.add_task("beginning", total=None)

        def show(told: Progress) -> None:
            bar.update(task, description=STAGES[told.stage], total=told.total or None, completed=told.done)

        yield show


def _report(manifest: Manifest, file: Path, done: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"file": file, "manifest": manifest})
        return
    rows = sum(manifest.rows.values())
    megabytes = manifest.dump_bytes / 1_000_000
    say(f"{file} {done}: {rows} rows, {megabytes:.1f} MB, as of {shown(manifest.made_at)}, by {manifest.made_by}.")
