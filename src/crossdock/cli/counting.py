"""`crossdock stock count`: people counted a location."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from cyclopts import Parameter

from crossdock.canonical.base import LocationCode, Sku
from crossdock.catalog import service as catalog
from crossdock.catalog.service import Met
from crossdock.cli.context import hub, person
from crossdock.cli.output import EXIT_FINDINGS, AsJson, CommandError, say, show
from crossdock.cli.quantities import quantities
from crossdock.cli.when import moment
from crossdock.estate.model import Estate, Location
from crossdock.eventlog.service import Origin
from crossdock.inventory import service as inventory
from crossdock.inventory.model import (
    AlreadyRecorded,
    BeyondTolerance,
    Counted,
    CountOutcome,
    KeyReused,
    MovementKey,
    OutdatedCount,
    StaleCount,
    StockCount,
    Unchanged,
)

REFERENCE: Final = re.compile(r"[A-Za-z0-9._:~-]{1,40}")
WORDS: Final[Mapping[type[CountOutcome], str]] = {
    Counted: "corrected",
    Unchanged: "as in the books",
    OutdatedCount: "outdated",
    StaleCount: "stale",
    BeyondTolerance: "beyond tolerance",
    AlreadyRecorded: "recorded before",
    KeyReused: "reference in use",
}
LEFT: Final = frozenset({"outdated", "stale", "beyond tolerance"})
COLUMNS: Final = ("item", "counted", "outcome", "difference")


async def count(
    location: str,
    reference: str,
    *,
    line: Annotated[list[str], Parameter(negative="")],
    at: datetime | None = None,
    on: date | None = None,
    json: AsJson = False,
) -> int:
    """Set on-hand to what people counted; what moved since then stays on top. Exit code 1 when a line was not taken.

    Promises that lose their goods become short, and the ERP is told by the estate's flows. Safe to repeat.

    Args:
        location: Where it was counted.
        reference: The number of the count; the same one is recorded once.
        line: ITEM=QUANTITY, once per item.
        at: As of when; without a zone, UTC. Now, unless told otherwise.
        on: The day it counts for in the ERP's books; the location's day of *at*, unless told otherwise.
        json: Print JSON for machines.
    """
    if REFERENCE.fullmatch(reference) is None:
        raise CommandError(f'"{reference}" is no number of a count: 1 to 40 letters, digits or . _ : ~ -')
    units = quantities(line, none_too=True)
    async with hub() as parts:
        now = parts.clock.now()
        as_of = moment(at, "--at") or now
        async with parts.database.transaction() as tx:
            place = _place(await parts.estate.get(tx), location)
            counted = StockCount(
                key=MovementKey(reference),
                location=LocationCode(location),
                counted_on=on or as_of.astimezone(ZoneInfo(place.zone)).date(),
                as_of=as_of,
                on_hand=units,
            )
            origin = Origin.begin(person())
            outcome = await inventory.count_stock(tx, counted, origin=origin, now=now)
            if isinstance(outcome, KeyReused):
                raise CommandError(f'"{reference}" stands for another count: use a new number.')
            if not isinstance(outcome, AlreadyRecorded):
                subject = f"count/{reference}"
                met = [Met(sku=sku, location=counted.location, subject=subject, origin=origin) for sku in units]
                await catalog.tell_unknown(tx, met, now=now)
        parts.hints.ring()
    if isinstance(outcome, AlreadyRecorded):
        rows = [_row(sku, quantity, outcome) for sku, quantity in units.items()]
    else:
        rows = [_row(sku, units[sku], each) for sku, each in zip(units, outcome, strict=True)]
    show(COLUMNS, rows, as_json=json, empty="")
    left = [row for row in rows if row["outcome"] in LEFT]
    if left and not json:
        say(f"{len(left)} of {len(rows)} lines were not taken: count them again.", "red")
    return EXIT_FINDINGS if left else 0


def _place(estate: Estate, code: str) -> Location:
    found = estate.location(code)
    if found is None:
        known = ", ".join(each.code for each in estate.locations) or "none"
        raise CommandError(f'There is no location "{code}" (there are: {known}).')
    return found


def _row(sku: Sku, quantity: Decimal, outcome: CountOutcome) -> dict[str, object]:
    difference = outcome.difference if isinstance(outcome, Counted | BeyondTolerance) else None
    return {"item": sku, "counted": quantity, "outcome": WORDS[type(outcome)], "difference": difference}
