"""`crossdock estate …`: check, compare, apply and roll back the retailer's files."""

from pathlib import Path

from cyclopts import App

from crossdock.assembly.registry import connectors
from crossdock.cli.context import hub, settings
from crossdock.cli.output import EXIT_FINDINGS, AsJson, CommandError, print_json, say, show
from crossdock.estate import service as estates
from crossdock.estate.schema import estate_schema
from crossdock.estate.service import Checked

app = App(name="estate", help="The retailer as files: check, apply, roll back.")


def _checked(folder: Path | None) -> Checked:
    where = folder or settings().estate
    if not where.is_dir():
        raise CommandError(
            f"There is no estate folder {where}: name one, set CROSSDOCK_ESTATE, or copy examples/estate to begin with."
        )
    return estates.check(where, connectors())


def _print_complaints(checked: Checked, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "ok": checked.estate is not None,
                "complaints": [
                    {"file": c.place.file, "line": c.place.line, "text": c.text, "warning": c.warning}
                    for c in checked.complaints
                ],
            }
        )
        return
    for complaint in checked.complaints:
        say(str(complaint), "yellow" if complaint.warning else "red")
    if checked.estate is not None:
        say("The estate is sound." if not checked.complaints else "The estate can be applied.")


@app.command
def check(folder: Path | None = None, *, json: AsJson = False) -> int:
    """Check the files; every complaint has its file and line. Exit code 1 when the estate cannot be applied."""
    checked = _checked(folder)
    _print_complaints(checked, as_json=json)
    return 0 if checked.estate is not None else EXIT_FINDINGS


@app.command
async def diff(folder: Path | None = None, *, json: AsJson = False) -> int:
    """Show what `apply` would change."""
    checked = _checked(folder)
    if checked.estate is None:
        _print_complaints(checked, as_json=json)
        return EXIT_FINDINGS
    async with hub() as parts, parts.database.transaction() as tx:
        number = await estates.current_number(tx)
        changes = estates.differences(await estates.current(tx) if number else None, checked.estate)
    if json:
        print_json({"version": number, "changes": changes})
    else:
        say("\n".join(changes) or "Nothing would change.")
    return 0


@app.command
async def apply(folder: Path | None = None, *, note: str = "", json: AsJson = False) -> int:
    """Check the files and put them in force as the next version; nothing is applied when anything is wrong."""
    checked = _checked(folder)
    if checked.estate is None:
        _print_complaints(checked, as_json=json)
        return EXIT_FINDINGS
    async with hub() as parts, parts.database.transaction() as tx:
        applied = await estates.apply(tx, checked.estate, note=note, now=parts.clock.now())
    if json:
        print_json({"version": applied.number, "changes": applied.changes})
    elif applied.changes:
        say(f"Version {applied.number} is in force ({len(applied.changes)} values changed).")
    else:
        say(f"Nothing to change: version {applied.number} says the same.")
    return 0


@app.command
async def versions(*, json: AsJson = False) -> int:
    """List applied versions, newest first."""
    async with hub() as parts, parts.database.transaction() as tx:
        found = await estates.versions(tx)
    rows: list[dict[str, object]] = [
        {"version": version.number, "applied": version.applied_at, "note": version.note} for version in found
    ]
    show(("version", "applied", "note"), rows, as_json=json, empty="No estate has been applied yet.")
    return 0


@app.command
async def rollback(version: int) -> int:
    """Put an old version in force again, as a new one."""
    async with hub() as parts, parts.database.transaction() as tx:
        applied = await estates.roll_back(tx, version, now=parts.clock.now())
    if applied is None:
        raise CommandError(f"There is no version {version}: see `crossdock estate versions`.")
    say(f"Version {applied.number} (the same as {version}) is in force.")
    return 0


@app.command
def schema() -> int:
    """Print the JSON Schema for editors."""
    print_json(estate_schema())
    return 0
