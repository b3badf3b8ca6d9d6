"""`crossdock connection …`: add, check, register, list, stop, start."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

from cyclopts import App, Parameter

from crossdock.assembly.hub import Hub
from crossdock.assembly.registry import connectors
from crossdock.assembly.sessions import config_of, open_connection
from crossdock.cli import adding
from crossdock.cli.checking import CHECK_S_MAX, look_at
from crossdock.cli.context import hub, settings
from crossdock.cli.findings import show_findings
from crossdock.cli.output import AsJson, CommandError, errors, one_of, print_json, say, show
from crossdock.connections import service as connections
from crossdock.connections.model import ConnectionState
from crossdock.connections.settings import SettingUnusableError
from crossdock.connector_kit.model import Connector, Finding
from crossdock.connector_kit.verdict import CallFailed
from crossdock.estate import service as estates
from crossdock.estate.model import ConnectionConfig, Estate, FlowKind
from crossdock.outbound import service as outbound
from crossdock.worker.connection import drop_folder

app = App(name="connection", help="Configured accounts of connected systems.")
WEBHOOKS: Final = "/v1/webhooks"
COLUMNS: Final = (
    "name",
    "connector",
    "state",
    "reason",
    "since",
    "circuit",
    "answered",
    "failed",
    "failure",
    "sends from",
)


@app.command
async def add(
    name: str,
    connector: str,
    *,
    set: Annotated[Sequence[str], Parameter(negative="")] = (),  # noqa: A002 (the flag's name)
    channel: str | None = None,
    flow: Annotated[Sequence[str], Parameter(negative="")] = (),
    public_url: str | None = None,
    untested: Annotated[bool, Parameter(negative="")] = False,
    json: AsJson = False,
) -> int:
    """Add a connection to the estate: ask what the connector declares, check, test, apply, register webhooks.

    An account that does not answer, or lacks what is needed, adds nothing.

    Args:
        name: What it is called from now on, e.g. erp or shop-de.
        connector: One of `crossdock connector list`.
        set: A setting as name=value; repeat. A secret's value may be ${ENV} or file:/path; a plain one is put into a
            file that only we can read.
        channel: The channel whose orders it brings.
        flow: What is sent through it; repeat, e.g. --flow sale.post --flow invoice.post.
        public_url: Our address as the other system reaches it, for webhooks.
        untested: Add it also when the account is not as it should be yet.
        json: Print JSON for machines.
    """
    chosen = _connector(connector)
    folder = settings().estate
    flows = [one_of(FlowKind, each, "flow").value for each in flow]
    values = adding.gathered(chosen, adding.parsed(set))
    entry = adding.Entry(
        name=name, connector=connector, settings=values, channel=channel, flows=flows, lookups=chosen.lookups
    )
    async with hub(make=True) as parts:
        await _refuse_unapplied(parts, folder)
        file, draft = adding.write(folder, parts.settings.home, chosen, entry)
        with _undone_unless_applied(draft):
            estate, places = _checked(folder, parts)
            config = config_of(estate, name)
            findings = await look_at(parts, config)
            if not untested and not all(finding.ok or finding.later for finding in findings):
                draft.undo()
                code = show_findings(findings, as_json=json, fine="")
                errors.print("Nothing was added. Correct that, or add it as it is with --untested.", soft_wrap=True)
                return code
            async with parts.database.transaction() as tx:
                applied = await estates.apply(
                    tx, estate, note=f"connection {name} added", now=parts.clock.now(), places=places
                )
        if not json:
            say(f"{file} is written; version {applied.number} of the estate is in force.")
        if public_url:
            findings = [*await _register(parts, config, public_url), *await look_at(parts, config)]
    code = show_findings(findings, as_json=json, fine=f"{name} is ready.")
    if not json:
        _say_next(chosen, entry, public_url, drop_folder(parts, name))
    return code


def _connector(name: str) -> Connector:
    found = connectors().get(name)
    if found is None:
        raise CommandError(f'There is no connector "{name}" (installed: {", ".join(connectors()) or "none"}).')
    return found


@contextmanager
def _undone_unless_applied(draft: adding.Draft) -> Iterator[None]:
    """What was written for a connection that then was not added leaves no trace."""
    try:
        yield
    except BaseException:
        draft.undo()
        raise


def _checked(folder: Path, parts: Hub) -> tuple[Estate, Mapping[str, str]]:
    """The estate, and where each of its rules stands."""
    checked = estates.check(folder, parts.connectors)
    if checked.estate is None:
        said = "; ".join(str(complaint) for complaint in checked.complaints if not complaint.warning)
        raise CommandError(f"Nothing was added: {said}")
    return checked.estate, checked.places


async def _refuse_unapplied(parts: Hub, folder: Path) -> None:
    """Adding a connection applies the folder: what somebody else has not applied yet must not slip in with it."""
    before = _sound(folder, parts)
    async with parts.database.transaction() as tx:
        number = await estates.current_number(tx)
        waiting = estates.differences(await estates.current(tx), before) if number else ()
    if waiting:
        raise CommandError(
            f"{len(waiting)} changes in {folder} are not applied yet: look at `crossdock estate diff`, apply or undo "
            "them, then add the connection."
        )


def _sound(folder: Path, parts: Hub) -> Estate:
    if not folder.is_dir():
        raise CommandError(f"There is no estate folder {folder}: set CROSSDOCK_ESTATE, or copy examples/estate first.")
    checked = estates.check(folder, parts.connectors)
    if checked.estate is None:
        raise CommandError(f"The estate in {folder} has mistakes: run `crossdock estate check` first.")
    return checked.estate


def _say_next(connector: Connector, entry: adding.Entry, public_url: str | None, drops: Path) -> None:
    """What a person does next, in order."""
    name = entry.name
    if connector.lookups:
        say(f"Fill the lookups that it asks for: {', '.join(connector.lookups)}.")
    if connector.drops:
        say(f"Files for it go to {drops}.")
    if connector.webhooks is not None and not public_url:
        say(f"Webhooks: crossdock connection register {name} --public-url https://…")
    for load in connector.loads:
        if load.name == "stock" and connector.directory is not None:
            say(f"crossdock match {name} --apply")
        say(f"crossdock load {name} {load.name}")
    if connector.directory is not None and not any(load.name == "stock" for load in connector.loads):
        say(f"crossdock match {name} --apply")


# --- looking -------------------------------------------------------------------------------------------------------


@app.command
async def check(name: str | None = None, *, json: AsJson = False) -> int:
    """Look at the live account: credentials, rights, configuration. Exit code 1 when anything is not as it should be.

    Args:
        name: One connection; without it, all of the estate.
        json: Print JSON for machines.
    """
    async with hub() as parts:
        async with parts.database.transaction() as tx:
            estate = await parts.estate.get(tx)
        configs = [config_of(estate, name)] if name else [each for each in estate.connections if each.enabled]
        looked = await asyncio.gather(*(look_at(parts, config) for config in configs))
    findings = [finding for found in looked for finding in found]
    return show_findings(findings, as_json=json, fine="All is well.")


@app.command(name="list")
async def list_connections(*, json: AsJson = False) -> int:
    """List connections: state, circuit, when they last answered and failed, who sends through them."""
    async with hub() as parts, parts.database.transaction() as tx:
        estate = await parts.estate.get(tx)
        await connections.ensure(tx, [config.name for config in estate.connections])
        statuses = await connections.statuses(tx)
    by_name = {config.name: config.connector for config in estate.connections}
    rows: list[dict[str, object]] = [
        {
            "name": each.name,
            "connector": by_name.get(each.name, "(not in the estate)"),
            "state": each.state,
            "reason": each.reason,
            "since": each.since,
            "circuit": each.breaker,
            "answered": each.answered_at,
            "failed": each.failed_at,
            "failure": each.failure,
            "sends from": each.holder,
        }
        for each in statuses
    ]
    show(COLUMNS, rows, as_json=json, empty="The estate has no connections: see `crossdock connection add`.")
    return 0


# --- acting --------------------------------------------------------------------------------------------------------


@app.command
async def register(name: str, *, public_url: str, json: AsJson = False) -> int:
    """Make the other system send its webhooks to us; repeatable.

    Args:
        name: The connection.
        public_url: Our address as the other system reaches it, e.g. https://hub.example.com.
        json: Print JSON for machines.
    """
    async with hub() as parts:
        async with parts.database.transaction() as tx:
            estate = await parts.estate.get(tx)
        findings = await _register(parts, config_of(estate, name), public_url)
    return show_findings(findings, as_json=json, fine=f"{name} sends its webhooks to us.")


async def _register(parts: Hub, config: ConnectionConfig, public_url: str) -> list[Finding]:
    url = f"{public_url.rstrip('/')}{WEBHOOKS}/{config.name}"
    subject = f"{config.name}: webhooks"
    try:
        async with asyncio.timeout(CHECK_S_MAX), open_connection(parts, config) as line:
            webhooks = line.connector.webhooks
            if webhooks is None or webhooks.register is None:
                return [Finding(subject=subject, ok=True, text=f"{line.connector.title} registers none by itself")]
            await webhooks.register(line.session, url)
    except (CallFailed, SettingUnusableError, TimeoutError) as error:
        reason = error.reason if isinstance(error, CallFailed) else str(error) or "no answer"
        todo = f"Correct it, then run `crossdock connection register {config.name} --public-url {public_url}`."
        return [Finding(subject=subject, ok=False, text=reason, todo=todo)]
    return [Finding(subject=subject, ok=True, text=f"registered at {url}")]


@app.command
async def stop(name: str, *, reason: str, json: AsJson = False) -> int:
    """Stop sending, polling and questions through a connection. What it should send waits; nothing is lost.

    Args:
        name: The connection.
        reason: Why; shown to whoever looks.
        json: Print JSON for machines.
    """
    async with hub() as parts, parts.database.transaction() as tx:
        config_of(await parts.estate.get(tx), name)
        changed = await connections.stop(tx, name, reason, parts.clock.now())
    _answer(json, name, "stopped", changed, f"{name} is stopped." if changed else f"{name} was stopped before.")
    return 0


@app.command
async def start(name: str, *, json: AsJson = False) -> int:
    """Use a stopped or broken connection again; what waited for it goes on."""
    async with hub() as parts, parts.database.transaction() as tx:
        config_of(await parts.estate.get(tx), name)
        now = parts.clock.now()
        before = await connections.state_of(tx, name)
        if before is ConnectionState.STOPPED:
            await connections.start(tx, name, now)
        released = await outbound.restore_connection(tx, name, now)
    changed = before is not ConnectionState.WORKING
    waited = f" {len(released.intents)} intents go on." if released.intents else ""
    _answer(json, name, "working", changed, f"{name} {'is used again' if changed else 'was in use'}.{waited}")
    return 0


def _answer(as_json: bool, name: str, state: str, changed: bool, text: str) -> None:  # noqa: FBT001 (one row of an answer)
    if as_json:
        print_json({"connection": name, "state": state, "changed": changed})
    else:
        say(text)
