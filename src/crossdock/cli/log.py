"""`crossdock log …`: the event log itself: is it what was written, and who still has to read it."""

from datetime import timedelta

from cyclopts import App

from crossdock.assembly.readers import READERS
from crossdock.cli.context import hub
from crossdock.cli.output import EXIT_FINDINGS, AsJson, CommandError, print_json, say, show
from crossdock.eventlog.sealing import service as sealing
from crossdock.eventlog.sealing.model import Broken
from crossdock.eventlog.upkeep import service as upkeep

app = App(name="log", help="The event log: whether it is what was written, and who still has to read it.")


@app.command
async def verify(*, json: AsJson = False) -> int:
    """Compute every seal again over what the log holds. Reads the whole log: minutes on a long one. Exit code 1 if broken.

    Months that retention has dropped have left what is needed to go on; one that was taken away has not.

    Args:
        json: Print JSON for machines.
    """
    async with hub() as parts:
        outcome = await sealing.verify(parts.database)
    broken = isinstance(outcome, Broken)
    if json:
        print_json({"sound": not broken, "found": outcome})
    elif isinstance(outcome, Broken):
        say(f"Seal {outcome.number} is broken: {outcome.reason}.", "red")
    else:
        gone = f"; {outcome.dropped} went with {outcome.months} months past their retention" if outcome.months else ""
        say(f"{outcome.facts} sealed facts are what was written{gone}.")
    return EXIT_FINDINGS if broken else 0


@app.command
async def readers(*, json: AsJson = False) -> int:
    """Who reads the log, when each moved last, and which old month stays only because of it. Exit code 1 if one does.

    Args:
        json: Print JSON for machines.
    """
    async with hub() as parts, parts.database.transaction() as tx:
        retention = timedelta(days=parts.settings.retention_days)
        found = await upkeep.readers(tx, now=parts.clock.now(), retention=retention)
    rows: list[dict[str, object]] = [
        {
            "reader": each.name,
            "of this release": each.name in READERS,
            "moved": each.moved_at,
            "holds": each.holds,
        }
        for each in found
    ]
    show(("reader", "of this release", "moved", "holds"), rows, as_json=json, empty="Nobody has read the log yet.")
    return EXIT_FINDINGS if any(each.holds for each in found) else 0


@app.command
async def forget(reader: str, *, json: AsJson = False) -> int:
    """Forget the place of a reader that no release of yours has any more, so that it holds no old month back.

    Args:
        reader: Its name, as `crossdock log readers` shows it.
        json: Print JSON for machines.
    """
    if reader in READERS:
        raise CommandError(f"{reader} belongs to this release: start its workers, and it goes on where it is.")
    async with hub() as parts, parts.database.transaction() as tx:
        forgotten = await upkeep.forget_reader(tx, reader)
    if not forgotten:
        raise CommandError(f'There is no reader "{reader}": see `crossdock log readers`.')
    if json:
        print_json({"reader": reader, "forgotten": True})
    else:
        say(f"{reader} is forgotten.")
    return 0
