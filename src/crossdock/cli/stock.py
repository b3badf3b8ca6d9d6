"""`crossdock stock …`: why a channel may sell what it may sell, and what moved an item."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from cyclopts import App

from crossdock.availability import service as availability
from crossdock.availability.model import Availability, Explanation, LocationTerm, Rule
from crossdock.canonical.base import ChannelCode, LocationCode, Sku
from crossdock.canonical.orders import Mode
from crossdock.catalog import service as catalog
from crossdock.cli.context import hub
from crossdock.cli.output import AsJson, CommandError, age, one_of, print_json, print_table, say, shown
from crossdock.cli.when import moment
from crossdock.estate.model import Estate
from crossdock.foundation.db import Tx
from crossdock.inventory import service as inventory

app = App(name="stock", help="Stock: explain a number, read the ledger.")

PLACES: Final = (
    "location", "on hand", "unavailable", "allocated", "held", "available", "safety stock", "staleness", "can promise",
    "why not", "known for",
)  # fmt: skip
LEDGER: Final = (
    "happened", "location", "kind", "quantity", "from", "to", "on hand", "allocated", "held", "available", "short",
    "reason", "source", "key",
)  # fmt: skip


@app.command
async def explain(
    sku: str, *, channel: str, at: datetime | None = None, mode: str = Mode.SHIP.value, json: AsJson = False
) -> int:
    """Explain what a channel may sell of an item, term by term, now or as it was known at a past moment.

    Args:
        sku: The item.
        channel: The channel's code.
        at: A past moment, e.g. 2026-11-27T09:00:00+01:00; without a zone, UTC.
        mode: How goods leave: ship or pickup.
        json: Print JSON for machines.
    """
    way = one_of(Mode, mode, "mode")
    as_of = moment(at, "--at")
    async with hub() as parts, parts.database.snapshot() as tx:
        estate = await parts.estate.get(tx)
        await _check(tx, estate, sku, channel)
        now = parts.clock.now()
        found = await availability.explain(tx, estate, Sku(sku), ChannelCode(channel), now=now, as_of=as_of, mode=way)
    if json:
        print_json(found)
    else:
        _print(found, now)
    return 0


async def _check(tx: Tx, estate: Estate, sku: str, channel: str) -> None:
    if estate.channel(channel) is None:
        known = ", ".join(each.code for each in estate.channels) or "none"
        raise CommandError(f'There is no channel "{channel}" (there are: {known}).')
    if await catalog.known(tx, [Sku(sku)]):
        return
    if not await inventory.ledger(tx, Sku(sku), limit=1):
        raise CommandError(f'There is no item "{sku}", and nothing of it ever moved.')


def _print(found: Explanation, now: datetime) -> None:
    answer = found.availability
    told = "" if answer.published is None else f", it is told {shown(answer.published)}"
    say(f"{answer.sku} on {answer.channel} by {answer.mode}: {shown(answer.sellable)} may be sold{told}", "bold")
    if answer.as_of != now:
        say(f"  as it was known at {shown(answer.as_of)}; rules of today")
    if answer.reasons:
        say(f"  because: {', '.join(answer.reasons)}")
    print_table(PLACES, [_place(term, now) for term in answer.locations], empty="No location serves this channel.")
    print_table(("term", "units", "rule"), list(_terms(answer)), empty="", title="Over all locations")
    _print_told(found, now)


def _place(term: LocationTerm, now: datetime) -> Sequence[object]:
    buckets = ", ".join(f"{shown(units)} {bucket}" for bucket, units in term.unavailable.items())
    return (
        term.location,
        term.on_hand,
        buckets or Decimal(0),
        term.allocated,
        term.held,
        term.available,
        f"{shown(term.safety_stock)}{_rule(term.safety_rule)}",
        term.staleness_allowance,
        term.atp,
        term.reason,
        "never" if term.changed_at is None else age(now - term.changed_at),
    )


def _terms(answer: Availability) -> Iterable[Sequence[object]]:
    yield "incoming", answer.incoming, ""
    yield "unplaced orders", answer.unplaced, ""
    yield "pool", answer.pool, "sum of what locations can promise + incoming - unplaced"
    if answer.kept or answer.own_segment:
        yield "own segment", answer.own_segment, ""
        yield "kept by segments", answer.kept, ""
    yield "free", answer.free, "pool - kept by segments"
    yield "channel buffer", answer.channel_buffer, _rule(answer.buffer_rule).strip(" ()")
    yield "physical", answer.physical, "min(pool, own segment + free) - buffer"
    yield "backorder", answer.backorder, ""
    yield "sellable", answer.sellable, "physical + backorder"
    if answer.publish_max is not None:
        yield "publish at most", answer.publish_max, "publish_max of the channel"


def _rule(rule: Rule | None) -> str:
    return "" if rule is None else f" ({rule.list} {rule.index + 1})"


def _print_told(found: Explanation, now: datetime) -> None:
    announced, confirmed = found.told.announced, found.told.confirmed
    if announced is None:
        say("The channel has not been told anything yet.")
        return
    say(
        f"It shall show {shown(announced.quantity)} since {shown(announced.decided_at)} ({age(now - announced.decided_at)})."
    )
    if confirmed is None:
        say("It has not confirmed any number yet.", "yellow")
    else:
        behind = "" if confirmed.version >= announced.version else ": an older one"
        say(f"It confirmed {shown(confirmed.quantity)} at {shown(confirmed.confirmed_at)}{behind}.")


@app.command
async def ledger(
    sku: str,
    *,
    location: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 100,
    json: AsJson = False,
) -> int:
    """List what moved an item, newest first: facts from the floor, holds, allocations, with what each left behind.

    Args:
        sku: The item.
        location: Only at this location.
        since: Recorded from this moment on.
        until: Recorded before this moment.
        limit: At most so many rows.
        json: Print JSON for machines.
    """
    place = None if location is None else LocationCode(location)
    first, last = moment(since, "--since"), moment(until, "--until")
    async with hub() as parts, parts.database.transaction() as tx:
        found = await inventory.ledger(tx, Sku(sku), place, since=first, until=last, limit=limit)
    if json:
        print_json(found)
        return 0
    rows = [
        (
            each.happened_at, each.location, each.kind, each.quantity, each.from_account, each.to_account, each.on_hand,
            each.allocated, each.held, each.available, each.short or "", each.reason, each.source, each.key,
        )
        for each in found
    ]  # fmt: skip
    print_table(LEDGER, rows, empty=f"Nothing of {sku} ever moved.")
    return 0
