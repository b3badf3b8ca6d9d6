"""`crossdock load`: first load of items, stock and open orders, with progress; resumable and repeatable."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from crossdock.assembly import loading
from crossdock.assembly.hub import Hub
from crossdock.assembly.loading import Loaded, OnProgress
from crossdock.assembly.sessions import config_of, open_connection
from crossdock.cli.calls import calling
from crossdock.cli.context import hub
from crossdock.cli.output import EXIT_FINDINGS, AsJson, CommandError, Flag, errors, say, shown
from crossdock.cli.output import show as show_rows
from crossdock.connections.line import Line
from crossdock.connector_kit.model import Load
from crossdock.crossref import service as crossref
from crossdock.crossref.model import Kind
from crossdock.estate.model import Estate
from crossdock.inbound.model import RecordState

STOCK = "stock"
COLUMNS = ("load", "pages", "unchanged", "applied", "repeated", "set aside", "rejected", "waiting", "on their way")


async def load(connection: str, *names: str, again: Flag = False, json: AsJson = False) -> int:
    """Read everything a connection has of items, stock or orders, and apply it. Interrupted, it goes on where it was.

    Args:
        connection: Whose.
        names: items, stock, orders: what the connector declares; without any, all of them.
        again: Load anew what was loaded before; only what has changed changes anything.
        json: Print JSON for machines.
    """
    async with hub() as parts:
        async with parts.database.transaction() as tx:
            estate = await parts.estate.get(tx)
        config = config_of(estate, connection)
        with calling(connection):
            async with open_connection(parts, config) as line:
                wanted = _wanted(line, names)
                done = await loading.finished(parts, connection)
                results = [await _run(parts, estate, line, each) for each in wanted if again or each.name not in done]
    skipped = [each.name for each in wanted if each.name not in {result.name for result in results}]
    if not json:
        for name in skipped:
            say(f"{name}: loaded {shown(done[name])}; --again loads it anew.")
    if results or json:
        _print(results, as_json=json)
    return 0 if all(result.complete for result in results) else EXIT_FINDINGS


def _wanted(line: Line, names: Sequence[str]) -> Sequence[Load]:
    loads = line.connector.loads
    wanted = loading.chosen(loads, names)
    known = ", ".join(each.name for each in loads) or "nothing"
    if isinstance(wanted, str):
        raise CommandError(f'{line.connector.title} has no load "{wanted}" (it has: {known}).')
    if not wanted:
        raise CommandError(f"{line.connector.title} has nothing to load.")
    return wanted


async def _run(parts: Hub, estate: Estate, line: Line, each: Load) -> Loaded:
    await _refuse_unmatched(parts, line, each)
    with watching(each.name) as progress:
        return await loading.run(parts, estate, line, each, progress)


async def _refuse_unmatched(parts: Hub, line: Line, each: Load) -> None:
    """Stock is told by their ids: before anything is matched every record would be set aside."""
    if each.name != STOCK or line.connector.directory is None:
        return
    async with parts.database.transaction() as tx:
        matched = [await crossref.links(tx, line.name, kind) for kind in (Kind.SKU, Kind.LOCATION)]
    if not all(matched):
        raise CommandError(f"Stock needs to know who is who: run `crossdock match {line.name} --apply` first.")


@contextmanager
def watching(name: str) -> Iterator[OnProgress]:
    """A moving line on a terminal; silence elsewhere."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[what]}"))
    with Progress(*columns, TimeElapsedColumn(), console=errors, transient=True) as bar:
        task = bar.add_task(name, total=None, what="asking")

        def show(told: loading.Progress) -> None:
            total = sum(told.records.values())
            if not total:
                bar.update(task, what=f"{told.pages} pages")
                return
            open_still = sum(told.records.get(state, 0) for state in loading.BUSY)
            bar.update(task, total=total, completed=total - open_still, what=f"{total - open_still} of {total} records")

        yield show


def _print(results: Sequence[Loaded], *, as_json: bool) -> None:
    rows: list[dict[str, object]] = [
        {
            "load": result.name,
            "pages": result.pages,
            "unchanged": result.unchanged,
            "applied": result.records.get(RecordState.APPLIED, 0),
            "repeated": result.records.get(RecordState.REPEATED, 0) + result.records.get(RecordState.OWN, 0),
            "set aside": result.records.get(RecordState.QUARANTINED, 0),
            "rejected": result.records.get(RecordState.REJECTED, 0),
            "waiting": result.records.get(RecordState.WAITING, 0),
            "on their way": sum(result.records.get(state, 0) for state in loading.BUSY),
        }
        for result in results
    ]
    show_rows(COLUMNS, rows, as_json=as_json, empty="")
    if as_json:
        return
    for result in results:
        if result.busy:
            say(f"{result.name}: another process is loading it.", "yellow")
        elif not result.complete:
            say(f"{result.name}: see `crossdock exceptions list`.", "yellow")
