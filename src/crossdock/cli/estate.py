"""`crossdock estate …`: check, compare, apply and roll back the retailer's files."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from cyclopts import App

from crossdock.assembly.hub import Hub
from crossdock.assembly.registry import connectors
from crossdock.canonical.base import Sku
from crossdock.catalog import service as catalog
from crossdock.cli.context import hub, settings
from crossdock.cli.output import EXIT_FINDINGS, AsJson, CommandError, print_json, say, show
from crossdock.cli.waiting import counted, in_words, watch_intents
from crossdock.estate import service as estates
from crossdock.estate.model import Estate
from crossdock.estate.schema import estate_schema
from crossdock.estate.service import Checked
from crossdock.foundation.db import Tx
from crossdock.operations.remedies import TYPES
from crossdock.outbound import service as outbound
from crossdock.outbound.model import IntentState, Verified

app = App(name="estate", help="The retailer as files: check, apply, roll back.")


def _checked(folder: Path | None) -> Checked:
    where = folder or settings().estate
    if not where.is_dir():
        raise CommandError(
            f"There is no estate folder {where}: name one, set CROSSDOCK_ESTATE, or copy examples/estate to begin with."
        )
    return estates.check(where, connectors(), TYPES)


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
        changes = estates.differences(await estates.in_force(tx), checked.estate)
    if json:
        print_json({"version": number, "changes": changes})
    else:
        say("\n".join(changes) or "Nothing would change.")
    return 0


@app.command
async def apply(folder: Path | None = None, *, note: str = "", wait: float = 10.0, json: AsJson = False) -> int:
    """Check the files and put them in force as the next version; nothing is applied when anything is wrong.

    Intents that waited for a lookup which the new version has are sent on by the running hub.

    Args:
        folder: The estate; without it the one of the settings.
        note: Why; kept with the version.
        wait: Wait at most so many seconds to see such intents land.
        json: Print JSON for machines.
    """
    checked = _checked(folder)
    if checked.estate is None:
        _print_complaints(checked, as_json=json)
        return EXIT_FINDINGS
    async with hub(make=True) as parts:
        async with parts.database.transaction() as tx:
            applied = await estates.apply(tx, checked.estate, note=note, now=parts.clock.now(), places=checked.places)
            strangers = await _named_and_unknown(tx, checked.estate)
        freed = await _watch_freed(parts, checked.estate, wait)
    if json:
        print_json({"version": applied.number, "changes": applied.changes, "intents": freed, "unknown": strangers})
    else:
        if applied.changes:
            say(f"Version {applied.number} is in force ({len(applied.changes)} values changed).")
        else:
            say(f"Nothing to change: version {applied.number} says the same.")
        if strangers:
            say(f"Rules name what no item is or has yet, so they match nothing: {', '.join(strangers)}.", "yellow")
        _say_freed(freed)
    return 0


async def _named_and_unknown(tx: Tx, estate: Estate) -> Sequence[str]:
    """Items and categories that rules name and the catalogue has none of: a slip of the pen, or still to come."""
    skus = {rule.sku for rule in estate.promise_rules}
    categories = {rule.category for rule in estate.promise_rules}
    named = {Sku(sku) for sku in skus if sku is not None}
    empty = [each for each in categories if each is not None and not await catalog.in_category(tx, each)]
    return [
        *(f"item {sku}" for sku in sorted(named - await catalog.known(tx, named))),
        *(f"category {category}" for category in sorted(empty)),
    ]


async def _watch_freed(parts: Hub, estate: Estate, wait_s: float) -> Mapping[str, int]:
    """How the intents fare that waited for lookups of this estate; empty when none did."""
    async with parts.database.transaction() as tx:
        waiting = [
            intent
            for config in estate.connections
            for intent in await outbound.parked_for_lookups(tx, config.name, config.lookups)
        ]
    if not waiting:
        return {}
    return counted(await watch_intents(parts, waiting, wait_s, done=_all_settled))


def _all_settled(fared: Verified) -> bool:
    return fared.settled and not fared.counts.get(IntentState.PARKED, 0)


def _say_freed(freed: Mapping[str, int]) -> None:
    if freed:
        say(f"Of {sum(freed.values())} intents that waited for its lookups: {in_words(freed)}.")
    if freed.get(IntentState.PARKED, 0):
        say("What is parked goes as soon as a running hub has taken this version over, if nothing else is missing.")


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
async def rollback(version: int, *, wait: float = 10.0, json: AsJson = False) -> int:
    """Put an old version in force again, as a new one.

    Args:
        version: Which.
        wait: Wait at most so many seconds to see intents land that waited for its lookups.
        json: Print JSON for machines.
    """
    async with hub() as parts:
        async with parts.database.transaction() as tx:
            applied = await estates.roll_back(tx, version, now=parts.clock.now())
            estate = await estates.current(tx)
        if applied is None:
            raise CommandError(f"There is no version {version}: see `crossdock estate versions`.")
        freed = await _watch_freed(parts, estate, wait)
    if json:
        print_json({"version": applied.number, "as": version, "changes": applied.changes, "intents": freed})
    else:
        say(f"Version {applied.number} (the same as {version}) is in force.")
        _say_freed(freed)
    return 0


@app.command
def schema() -> int:
    """Print the JSON Schema for editors."""
    print_json(estate_schema())
    return 0
