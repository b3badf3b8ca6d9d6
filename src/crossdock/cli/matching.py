"""`crossdock match`: our items and locations against theirs, by rule and by hand, with a report of what is open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter

from crossdock.assembly import matching
from crossdock.assembly.hub import Hub
from crossdock.assembly.matching import HAND, KINDS, Matched
from crossdock.assembly.sessions import config_of, open_connection
from crossdock.cli.adding import parsed
from crossdock.cli.calls import calling
from crossdock.cli.context import hub, person
from crossdock.cli.output import EXIT_FINDINGS, AsJson, CommandError, Flag, print_json, print_table, say
from crossdock.crossref import service as crossref
from crossdock.crossref.model import Kind, Link
from crossdock.estate.model import ConnectionConfig, Estate
from crossdock.operations.casework.service import By
from crossdock.operations.grouping.service import Freed

SHOWN = 50
RULES = ("code", "barcode", "name")


async def match(
    connection: str,
    kind: Kind | None = None,
    *,
    apply: Flag = False,
    link: Annotated[Sequence[str], Parameter(negative="")] = (),
    unlink: Annotated[Sequence[str], Parameter(negative="")] = (),
    rule: Annotated[Sequence[str], Parameter(negative="")] = (),
    json: AsJson = False,
) -> int:
    """Say who is who on a connection: by code, then barcode, then name; one-to-one finds only.

    Without --apply nothing is linked by rule. Exit code 1 while anything of ours has no counterpart.

    Args:
        connection: Whose items, locations or customers.
        kind: sku, location or customer; without it, items and locations.
        apply: Link what the rules found.
        link: A pair by hand, OURS=THEIRS; repeat. Needs a kind.
        unlink: Forget the pair of one of ours; repeat. Needs a kind.
        rule: Use only these rules: code, barcode, name; repeat.
        json: Print JSON for machines.
    """
    unknown = sorted(set(rule) - set(RULES))
    if unknown:
        raise CommandError(f'There is no rule "{unknown[0]}" (rules are: {", ".join(RULES)}).')
    async with hub() as parts:
        async with parts.database.transaction() as tx:
            estate = await parts.estate.get(tx)
        by = By(who=person(), why=f"matched {connection}", now=parts.clock.now())
        work = _Work(hub=parts, estate=estate, config=config_of(estate, connection), by=by)
        if link or unlink:
            if kind is None:
                raise CommandError("A pair by hand needs its kind: crossdock match CONNECTION sku --link OURS=THEIRS.")
            return await _by_hand(work, kind, parsed(link), unlink, as_json=json)
        reports = await _by_rule(work, KINDS if kind is None else (kind,), rule, apply=apply)
    if json:
        print_json([_as_json(report) for report in reports])
    else:
        for report in reports:
            _print(report, connection)
    return 0 if all(report.complete for report in reports) else EXIT_FINDINGS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """Where, with whom, in whose name."""

    hub: Hub
    estate: Estate
    config: ConnectionConfig
    by: By

    @property
    def name(self) -> str:
        """The connection's."""
        return self.config.name


async def _by_rule(work: _Work, kinds: Sequence[Kind], rules: Sequence[str], *, apply: bool) -> Sequence[Matched]:
    reports: list[Matched] = []
    with calling(work.name):
        async with open_connection(work.hub, work.config) as line:
            for kind in kinds:
                theirs = await matching.read_directory(line, kind)
                reports.append(await matching.match(work.hub, work.estate, work.name, kind, theirs, rules=rules))
    if not apply:
        return reports
    async with work.hub.database.transaction() as tx:
        return [await matching.apply(tx, work.hub, work.name, report, work.by) for report in reports]


async def _by_hand(work: _Work, kind: Kind, pairs: Mapping[str, str], forget: Sequence[str], *, as_json: bool) -> int:
    links = [Link(ours=ours, theirs=theirs, how=HAND) for ours, theirs in pairs.items()]
    async with work.hub.database.transaction() as tx:
        ours = {thing.code for thing in await matching.our_things(tx, work.estate, work.name, kind)}
        strangers = sorted(set(pairs) - ours) if kind is not Kind.CUSTOMER else []
        if strangers:
            raise CommandError(f'We have no {kind} "{strangers[0]}".')
        forgotten = [code for code in forget if await crossref.unlink(tx, work.name, kind, code)]
        conflicts, freed = await matching.link(tx, work.hub, work.name, kind, pairs=links, by=work.by)
    taken = {conflict.ours for conflict in conflicts}
    linked = [pair for pair in links if pair.ours not in taken]
    missing = [code for code in forget if code not in forgotten]
    if as_json:
        released = {"released": len(freed.intents), "read_again": freed.records}
        print_json({"linked": linked, "conflicts": conflicts, "unlinked": forgotten, **released})
        return EXIT_FINDINGS if conflicts or missing else 0
    for pair in linked:
        say(f"{kind} {pair.ours} is {pair.theirs} on {work.name}.")
    for code in forgotten:
        say(f"{kind} {code} has no counterpart on {work.name} any more.")
    for conflict in conflicts:
        text = f"{conflict.ours} = {conflict.theirs}: one of the two has another partner; --unlink it first."
        say(text, "red")
    for code in missing:
        say(f"{kind} {code} had no counterpart on {work.name}.", "red")
    _say_freed(freed)
    return EXIT_FINDINGS if conflicts or missing else 0


def _as_json(report: Matched) -> dict[str, object]:
    return {
        "kind": report.kind,
        "complete": report.complete,
        "ours": report.ours,
        "theirs": report.theirs,
        "linked_before": report.linked,
        "applied": report.applied,
        "links": report.plan.links,
        "ambiguous": report.plan.ambiguous,
        "unmatched_ours": report.plan.unmatched_ours,
        "unmatched_theirs": report.plan.unmatched_theirs,
        "vanished": report.vanished,
        "conflicts": report.conflicts,
        "released": len(report.freed.intents),
        "read_again": report.freed.records,
    }


def _print(report: Matched, connection: str) -> None:
    plan = report.plan
    done = f"{len(plan.links)} {'linked now' if report.applied else 'can be linked'}"
    text = (
        f"{report.kind}: {report.ours} of ours, {report.theirs} on {connection}; {report.linked} linked before, {done}"
    )
    say(f"{text}, {len(plan.ambiguous)} ambiguous, {len(plan.unmatched_ours)} unmatched.")
    if not report.applied:
        rows = [(pair.ours, pair.theirs, pair.how) for pair in plan.links]
        _some(("ours", "theirs", "how"), rows, "would be linked by --apply")
    _some(
        ("ours", "candidates", "how"),
        [(each.ours, ", ".join(each.candidates), each.how) for each in plan.ambiguous],
        "ambiguous: decide with --link OURS=THEIRS",
    )
    _some(("ours", "name"), [(each.code, each.name) for each in plan.unmatched_ours], "ours without a counterpart")
    _some(("ours", "theirs"), [(each.ours, each.theirs) for each in report.vanished], "linked, but not there any more")
    _some(
        ("ours", "theirs"), [(each.ours, each.theirs) for each in report.conflicts], "not linked: taken in the meantime"
    )
    if plan.unmatched_theirs:
        say(f"{len(plan.unmatched_theirs)} of theirs have no counterpart here.", "dim")
    _say_freed(report.freed)


def _some(columns: Sequence[str], rows: Sequence[Sequence[object]], title: str) -> None:
    """The first rows under a title; nothing when there are none."""
    if not rows:
        return
    print_table(columns, rows[:SHOWN], empty="", title=title)
    if len(rows) > SHOWN:
        say(f"… and {len(rows) - SHOWN} more; --json lists all.", "dim")


def _say_freed(freed: Freed) -> None:
    if freed.intents:
        say(f"{len(freed.intents)} intents that waited for this are on their way again.")
    if freed.records:
        say(f"{freed.records} records that could not be read without it will be applied.")
