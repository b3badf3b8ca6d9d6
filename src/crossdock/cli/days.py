"""`crossdock day …`: close stores' business days, see where they stand."""

from datetime import date
from decimal import Decimal

from cyclopts import App

from crossdock.canonical.base import LocationCode
from crossdock.canonical.facts import StoreDayClosed
from crossdock.canonical.money import exact, money
from crossdock.cli import when
from crossdock.cli.context import hub
from crossdock.cli.output import EXIT_FINDINGS, AsJson, CommandError, console, print_json, say, show
from crossdock.estate.model import LocationKind
from crossdock.finance import service as finance
from crossdock.finance.days.service import DAYS_MAX
from crossdock.finance.model import DayClosed, NotBegun, NothingNew

app = App(name="day", help="Stores' business days: close them, see what was posted.")
SHOWN_DAYS = 14


@app.command
async def close(day: date, *, store: list[str] | None = None, json: AsJson = False) -> int:
    """Make a business day final: each store's receipts become one journal and one goods issue.

    Exit code 1 when numbers are missing in a till's sequence, or money is left out because the estate does not book its
    currency. Closing again books only what came late, and what was left out once the estate books it.

    Args:
        day: The business day, e.g. 2026-11-27.
        store: Only these stores; none named means all.
        json: Print JSON for machines.
    """
    day = when.day(day, "DAY")
    outcomes: dict[str, DayClosed | NothingNew] = {}
    async with hub() as parts:
        async with parts.database.transaction() as tx:
            estate = await parts.estate.get(tx)
            with_receipts = {each.store for each in await finance.store_days(tx, since=day, until=day)}
        in_estate = [location.code for location in estate.locations if location.kind is LocationKind.STORE]
        known = [*in_estate, *sorted(with_receipts - set(in_estate))]
        unknown = sorted(set(store or ()) - set(known))
        if unknown:
            raise CommandError(f"There is no store {', '.join(unknown)} (known: {', '.join(known)}).")
        for code in store or known:
            async with parts.database.transaction() as tx:
                outcome = await finance.close_day(tx, estate, LocationCode(code), day, now=parts.clock.now())
            if isinstance(outcome, NotBegun):
                raise CommandError(
                    f"{day} has not begun in {code}, where today is {outcome.today}: close it when it is over."
                )
            outcomes[code] = outcome
    if json:
        print_json([_row(code, outcome) for code, outcome in outcomes.items()])
    else:
        for code, outcome in outcomes.items():
            console.print(_said(code, outcome), markup=False)
    open_ends = any(
        isinstance(outcome, DayClosed) and (outcome.gaps or not all(run.booked for run in outcome.runs))
        for outcome in outcomes.values()
    )
    return EXIT_FINDINGS if open_ends else 0


@app.command(name="list")
async def list_days(
    *,
    days: int = SHOWN_DAYS,
    since: date | None = None,
    until: date | None = None,
    store: str | None = None,
    json: AsJson = False,
) -> int:
    """List store days with their state, receipts and totals.

    Args:
        days: How far to look back.
        since: The first business day instead, e.g. 2025-01-01: as far back as there are any.
        until: The last business day; without it, all from the first one on.
        store: Only this store.
        json: Print JSON for machines.
    """
    async with hub() as parts, parts.database.transaction() as tx:
        first = when.days_before(parts.clock.now(), days) if since is None else when.day(since, "--since")
        last = date.max if until is None else when.day(until, "--until")
        if last < first:
            raise CommandError(f"--until {last} lies before {first}, the first day of the list.")
        found = await finance.store_days(
            tx, location=None if store is None else LocationCode(store), since=first, until=last
        )
    columns = ("day", "store", "state", "receipts", "late", "total", "runs")
    rows: list[dict[str, object]] = [
        {
            "day": each.business_day,
            "store": each.store,
            "state": each.state,
            "receipts": each.receipts,
            "late": each.late,
            "total": exact(each.total, each.currency) if json else _money(each.total, each.currency),
            "currency": each.currency,
            "runs": each.runs,
        }
        for each in found
    ]
    show(columns, rows, as_json=json, empty="No receipts have come in.")
    if len(found) == DAYS_MAX and not json:
        say(f"These are the first {DAYS_MAX}: go on with --since {found[-1].business_day}.", "yellow")
    return 0


def _money(amount: Decimal, currency: str) -> str:
    """Empty for a day without receipts: it has no currency."""
    return money(amount, currency) if currency else ""


def _row(code: str, outcome: DayClosed | NothingNew) -> dict[str, object]:
    if not isinstance(outcome, DayClosed):
        return {"store": code, "closed": False, "runs": outcome.runs}
    return {
        "store": code,
        "closed": True,
        "runs": [
            {
                "run": run.run,
                "receipts": run.receipts,
                "total": exact(run.total, run.currency),
                "currency": run.currency,
                "booked": run.booked,
            }
            for run in outcome.runs
        ],
        "gaps": [str(gap) for gap in outcome.gaps],
    }


def _said(code: str, outcome: DayClosed | NothingNew) -> str:
    if not isinstance(outcome, DayClosed):
        return f"{code}: closed before, nothing has come since."
    sums = ", ".join(_sum(run) for run in outcome.runs if run.booked) or "nothing booked"
    left = ", ".join(_sum(run) for run in outcome.runs if not run.booked)
    left_out = f"; left out, its currency is not booked: {left}" if left else ""
    gaps = f"; {len(outcome.gaps)} gaps in the tills' numbers" if outcome.gaps else ""
    return f"{code}: {sums}{left_out}{gaps}."


def _sum(run: StoreDayClosed) -> str:
    return f"{run.receipts} receipts, {money(run.total, run.currency)}"
