"""`crossdock doctor`: look at everything the hub stands on, and say what is wrong and what to do."""

import asyncio
import ipaddress
import os
import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import psycopg
import psycopg_pool

from crossdock.assembly.drops import drop_root, takers
from crossdock.assembly.hub import Hub, open_hub
from crossdock.assembly.registry import ConnectorError, connectors
from crossdock.cli.checking import look_at
from crossdock.cli.context import settings
from crossdock.cli.findings import show_findings
from crossdock.cli.output import AsJson, Flag
from crossdock.connections import service as connections
from crossdock.connections.model import ConnectionState
from crossdock.connector_kit.model import Finding
from crossdock.estate import service as estates
from crossdock.estate.model import Estate
from crossdock.estate.service import EstateUnreadableError
from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.db import Database, DatabaseUnusableError, Tx, check_usable
from crossdock.foundation.migrations import edited_changes, pending_count
from crossdock.foundation.postgres import EmbeddedPostgres, PostgresError, running
from crossdock.foundation.settings import Settings
from crossdock.foundation.vault import MASTER_KEY_FILE, Vault, VaultError
from crossdock.inbound import service as inbound
from crossdock.operations.health import service as health
from crossdock.operations.unclaimed import service as unclaimed

UNREACHABLE: Final = (PostgresError, DatabaseUnusableError, psycopg.OperationalError, psycopg_pool.PoolTimeout)


async def doctor(*, offline: Flag = False, json: AsJson = False) -> int:
    """Look at settings, data folder, disk, database, estate, connectors and connections. Exit code 1 on findings.

    Args:
        offline: Do not call connected systems.
        json: Print JSON for machines.
    """
    chosen = settings()
    findings = [*_settings(chosen), *_home(chosen), *_connectors()]
    findings += await _database(chosen, offline=offline)
    return show_findings(findings, as_json=json, fine="All is well.")


# --- what needs no database ----------------------------------------------------------------------------------------


def _settings(chosen: Settings) -> Iterator[Finding]:
    pair = (chosen.tls_certificate, chosen.tls_key)
    for file in pair:
        if file is not None and not os.access(file, os.R_OK):
            yield _bad("TLS", f"{file} cannot be read", "Correct CROSSDOCK_TLS_CERTIFICATE and CROSSDOCK_TLS_KEY.")
    if (pair[0] is None) != (pair[1] is None):
        yield _bad(
            "TLS", "certificate and key belong together", "Set both CROSSDOCK_TLS_CERTIFICATE and CROSSDOCK_TLS_KEY."
        )
    if not _local(chosen.host) and pair[0] is None:
        todo = "Give certificate files, or put a TLS proxy in front and listen on 127.0.0.1."
        yield _bad("address", f"{chosen.host}:{chosen.port} is open to others without TLS", todo)
    else:
        yield Finding(subject="address", ok=True, text=f"{chosen.host}:{chosen.port}{', TLS' if pair[0] else ''}")


def _local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _home(chosen: Settings) -> Iterator[Finding]:
    home = chosen.home.resolve()
    nearest = next(folder for folder in (home, *home.parents) if folder.exists())
    if not os.access(nearest, os.W_OK):
        todo = "Correct its permissions, or choose another folder with CROSSDOCK_HOME."
        yield _bad("data folder", f"{nearest} cannot be written", todo)
        return
    yield Finding(subject="data folder", ok=True, text=str(home))
    usage = shutil.disk_usage(nearest)
    yield health.room_finding(str(home), usage.free, usage.total)
    if (home / MASTER_KEY_FILE).exists():
        try:
            Vault.open(home)
        except VaultError as error:
            yield _bad("master key", str(error), "")
        else:
            text = f"{home / MASTER_KEY_FILE}; keep a copy of it in another place"
            yield Finding(subject="master key", ok=True, text=text)


def _connectors() -> Iterator[Finding]:
    try:
        found = connectors()
    except ConnectorError as error:
        yield _bad("connectors", str(error), "")
    else:
        yield Finding(subject="connectors", ok=True, text=", ".join(found) or "none is installed")


def _bad(subject: str, text: str, todo: str) -> Finding:
    return Finding(subject=subject, ok=False, text=text, todo=todo)


# --- what needs one ------------------------------------------------------------------------------------------------


async def _database(chosen: Settings, *, offline: bool) -> Sequence[Finding]:
    if not chosen.database_url and not _exists(chosen.home / "postgres"):
        return [Finding(subject="database", ok=True, text="not made yet: `crossdock up` makes it"), *_folder(chosen)]
    try:
        async with _reached(chosen) as dsn:
            return [*await _asked(chosen, dsn, offline=offline)]
    except UNREACHABLE as error:
        todo = "Correct CROSSDOCK_DATABASE_URL, or start the server." if chosen.database_url else ""
        return [_bad("database", str(error).strip().splitlines()[0], todo), *_folder(chosen)]


def _exists(folder: Path) -> bool:
    return folder.exists()


@asynccontextmanager
async def _reached(chosen: Settings) -> AsyncIterator[str]:
    """The database as it is: a doctor upgrades nothing."""
    found = None if chosen.database_url else running(chosen.home / "postgres")
    if chosen.database_url or found is not None:
        yield chosen.database_url if found is None else found.dsn
        return
    async with EmbeddedPostgres(chosen.home / "postgres") as server:
        yield server.connection.dsn


async def _asked(chosen: Settings, dsn: str, *, offline: bool) -> Sequence[Finding]:
    findings: list[Finding] = []
    await check_usable(dsn)
    async with Database(dsn, size_max=2) as database, database.transaction() as tx:
        findings += await health.server(tx, now=SYSTEM_CLOCK.now())
    pending = await asyncio.to_thread(pending_count, dsn)
    if pending:
        text = f"{pending} schema changes of this release are not applied"
        return [*findings, _bad("schema", text, "`crossdock up` applies them."), *_folder(chosen)]
    edited = await asyncio.to_thread(edited_changes, dsn)
    if edited:
        text = f"{', '.join(edited)}: applied to this database with other content than this release has"
        return [*findings, _bad("schema", text, "Start the release that applied it."), *_folder(chosen)]
    findings.append(Finding(subject="schema", ok=True, text="as this release wants it"))
    try:
        installed = connectors()
    except ConnectorError:
        return findings  # told already; estate and connections cannot be judged without it
    async with open_hub(chosen, dsn, installed) as parts:
        async with parts.database.transaction() as tx:
            retention = timedelta(days=chosen.retention_days)
            findings += await health.books(tx, now=parts.clock.now(), retention=retention)
            try:
                estate = await parts.estate.get(tx) if await estates.current_number(tx) else None
            except EstateUnreadableError as error:
                return [*findings, _bad("estate", str(error), "")]
            findings += [*_folder(chosen, estate), *await _states(tx, estate)]
            if estate is not None:
                lying = inbound.strays(drop_root(chosen), takers(estate, installed))
                findings += unclaimed.findings(lying)
        if estate is not None and not offline:
            findings += await _live(parts, estate)
    return findings


def _folder(chosen: Settings, in_force: Estate | None = None) -> Iterator[Finding]:
    """The estate's files, and whether they are what is in force."""
    if not chosen.estate.is_dir():
        if in_force is None:
            text = f"there is no folder {chosen.estate} and none is in force"
            yield _bad("estate", text, "Set CROSSDOCK_ESTATE, or copy examples/estate to begin with.")
        return
    try:
        checked = estates.check(chosen.estate, connectors())
    except ConnectorError:
        return
    if checked.estate is None:
        mistakes = [each for each in checked.complaints if not each.warning]
        yield _bad("estate", f"{len(mistakes)} mistakes, first {mistakes[0]}", "Run `crossdock estate check`.")
        return
    if in_force is None:
        yield _bad("estate", f"{chosen.estate} is not applied", "Run `crossdock estate apply`.")
        return
    waiting = estates.differences(in_force, checked.estate)
    if waiting:
        yield _bad(
            "estate", f"{len(waiting)} changes are not applied", "Run `crossdock estate diff`, then apply or undo."
        )
        return
    yield Finding(subject="estate", ok=True, text=f"{chosen.estate} is in force")


async def _states(tx: Tx, estate: Estate | None) -> Sequence[Finding]:
    """Connections that are not used, and why."""
    known = {config.name for config in estate.connections} if estate is not None else set()
    return [
        _bad(f"{each.name}: state", f"{each.state} {each.reason}", f"crossdock connection start {each.name}")
        for each in await connections.statuses(tx)
        if each.name in known and each.state is not ConnectionState.WORKING
    ]


async def _live(parts: Hub, estate: Estate) -> Sequence[Finding]:
    looked = await asyncio.gather(*(look_at(parts, config) for config in estate.connections if config.enabled))
    return [finding for found in looked for finding in found]
