"""`crossdock stock …`: why a channel may sell what it may sell, what moved an item, what may not be sold."""

from datetime import datetime
from typing import Final
from uuid import UUID

from cyclopts import App

from crossdock.assembly.hub import Hub
from crossdock.availability import service as availability
from crossdock.availability.switches.model import Stop
from crossdock.canonical.base import ChannelCode, LocationCode, Sku
from crossdock.canonical.orders import Mode
from crossdock.catalog import service as catalog
from crossdock.cli.context import hub, person
from crossdock.cli.counting import count
from crossdock.cli.explaining import print_tree, stop_rows
from crossdock.cli.output import (
    EXIT_FINDINGS,
    AsJson,
    CommandError,
    Flag,
    one_of,
    print_json,
    print_table,
    say,
)
from crossdock.cli.when import moment
from crossdock.estate.model import Estate
from crossdock.eventlog.service import Origin
from crossdock.foundation.db import Tx
from crossdock.inventory import service as inventory

app = App(name="stock", help="Stock: explain a number, read the ledger, count, stop selling.")

app.command(count)

STOPS: Final = (
    "id", "item", "category", "channel", "location", "owner", "reason", "since", "until", "ended", "ended by",
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
        await _check(tx, estate, sku, None if as_of is not None else channel)
        now = parts.clock.now()
        found = await availability.explain(tx, estate, Sku(sku), ChannelCode(channel), now=now, as_of=as_of, mode=way)
    if json:
        print_json(found)
    else:
        print_tree(found, now)
    return 0


async def _check(tx: Tx, estate: Estate, sku: str, channel: str | None) -> None:
    """The past may have had other channels than there are now."""
    if channel is not None and estate.channel(channel) is None:
        known = ", ".join(each.code for each in estate.channels) or "none"
        raise CommandError(f'There is no channel "{channel}" (there are: {known}).')
    if await catalog.known(tx, [Sku(sku)]):
        return
    if not await inventory.ledger(tx, Sku(sku), limit=1):
        raise CommandError(f'There is no item "{sku}", and nothing of it ever moved.')


@app.command
async def stop(
    sku: str | None = None,
    *,
    category: str | None = None,
    channel: str | None = None,
    location: str | None = None,
    reason: str = "",
    owner: str = "",
    until: datetime | None = None,
    json: AsJson = False,
) -> int:
    """Stop selling at once: an item or a category, on a channel, from a location, or all of them together.

    From now on nothing of it is promised; channels are told 0 as soon as they can be. Orders that are placed stay.

    Args:
        sku: The item; none: every item.
        category: A category, and everything below it.
        channel: Only on this channel.
        location: Only from this location.
        reason: Why, for those who ask later.
        owner: Who answers for it; you, if nobody is named.
        until: When it ends by itself; without a zone, UTC. Without it: when somebody resumes.
        json: Print JSON for machines.
    """
    end = moment(until, "--until")
    async with hub() as parts:
        what = await _stop_of(parts, sku, category, channel, location)
        now = parts.clock.now()
        if end is not None and end <= now:
            raise CommandError("--until must lie in the future.")
        async with parts.database.transaction() as tx:
            switch = await availability.stop(
                tx, what, owner=owner or person(), reason=reason, until=end, origin=Origin.begin(person()), now=now
            )
        parts.hints.ring()
    if json:
        print_json(switch)
    else:
        say(f"Stopped ({switch.id}). Let it be sold again with `crossdock stock resume --id {switch.id}`.")
    return 0


@app.command
async def resume(
    sku: str | None = None,
    *,
    category: str | None = None,
    channel: str | None = None,
    location: str | None = None,
    id: UUID | None = None,  # noqa: A002 (as people type it)
    json: AsJson = False,
) -> int:
    """Let be sold again what `stock stop` stopped in the same words, or one stop by its id.

    Exit code 1 when there is no such stop in force. Stops in other words, and rules of the estate, still hold.

    Args:
        sku: The item.
        category: The category.
        channel: The channel.
        location: The location.
        id: One stop, as `stock stops` lists it.
        json: Print JSON for machines.
    """
    async with hub() as parts:
        wanted = None if id is not None else await _stop_of(parts, sku, category, channel, location)
        now = parts.clock.now()
        async with parts.database.transaction() as tx:
            standing = await availability.switches.in_force(tx, at=now)
            meant = [each for each in standing if (each.id == id if wanted is None else each.what == wanted)]
            ended = await availability.resume(tx, meant, by=person(), origin=Origin.begin(person()), now=now)
        parts.hints.ring()
    if json:
        print_json(ended)
    else:
        say(f"{len(ended)} stops ended." if ended else "There is no such stop in force: see `crossdock stock stops`.")
    return 0 if ended else EXIT_FINDINGS


@app.command
async def stops(*, ended: Flag = False, limit: int = 100, json: AsJson = False) -> int:
    """List what may not be sold by `stock stop`, newest first; rules of the estate are in its files.

    Args:
        ended: Those that have ended, too.
        limit: At most so many.
        json: Print JSON for machines.
    """
    async with hub() as parts, parts.database.transaction() as tx:
        if ended:
            found = await availability.switches.recent(tx, limit=limit)
        else:
            found = list(reversed(await availability.switches.in_force(tx, at=parts.clock.now())))[:limit]
    if json:
        print_json(found)
    else:
        print_table(STOPS, stop_rows(found), empty="Nothing is stopped.")
    return 0


async def _stop_of(
    parts: Hub, sku: str | None, category: str | None, channel: str | None, location: str | None
) -> Stop:
    async with parts.database.transaction() as tx:
        estate = await parts.estate.get(tx)
        if sku is not None and not await catalog.known(tx, [Sku(sku)]):
            raise CommandError(f'There is no item "{sku}".')
    for noun, code, known in (
        ("channel", channel, [each.code for each in estate.channels]),
        ("location", location, [each.code for each in estate.locations]),
    ):
        if code is not None and code not in known:
            raise CommandError(f'There is no {noun} "{code}" (there are: {", ".join(known) or "none"}).')
    try:
        return Stop(sku=sku, category=category, channel=channel, location=location)
    except ValueError as error:
        raise CommandError(f"{str(error)[0].upper()}{str(error)[1:]}.") from None


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
