"""`crossdock transfer …`: goods between own locations, from asked for to arrived."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import assert_never
from zoneinfo import ZoneInfo

from cyclopts import App

from crossdock.canonical.base import LocationCode, Sku
from crossdock.cli.context import hub, person
from crossdock.cli.output import AsJson, CommandError, one_of, print_json, print_table, say, show, shown
from crossdock.cli.quantities import quantities
from crossdock.estate.model import Estate
from crossdock.eventlog.service import Origin
from crossdock.inventory import service as inventory
from crossdock.inventory.model import AlreadyRecorded, KeyReused, Recorded
from crossdock.inventory.transfers.model import (
    Cancel,
    Close,
    MarkReady,
    NewTransfer,
    NotPossible,
    Receive,
    Settle,
    Ship,
    Stage,
    Step,
    Stepped,
    Transfer,
    UnknownTransfer,
)

app = App(name="transfer", help="Goods between own locations: ask for them, let them leave, take them in.")


@app.command(name="list")
async def list_transfers(*, location: str | None = None, limit: int = 100, json: AsJson = False) -> int:
    """List transfers that have not ended.

    Args:
        location: Only those from or to this location.
        limit: At most so many.
        json: Print JSON for machines.
    """
    place = None if location is None else LocationCode(location)
    async with hub() as parts, parts.database.transaction() as tx:
        found = await inventory.open_transfers(tx, location=place, limit=limit)
    rows: list[dict[str, object]] = [
        {
            "reference": each.header.reference,
            "from": each.header.source,
            "to": each.header.target,
            "state": each.header.state,
            "under way": each.open,
            "due": each.header.due_at,
            "changed": each.header.changed_at,
        }
        for each in found
    ]
    columns = ("reference", "from", "to", "state", "under way", "due", "changed")
    show(columns, rows, as_json=json, empty="No transfer is open.")
    return 0


@app.command(name="show")
async def show_transfer(reference: str, *, json: AsJson = False) -> int:
    """Show one transfer: what was asked for, what left, what arrived.

    Args:
        reference: Its number.
        json: Print JSON for machines.
    """
    async with hub() as parts, parts.database.transaction() as tx:
        found = await inventory.find_transfer(tx, reference)
    if found is None:
        raise _unknown(reference)
    _print(found, as_json=json)
    return 0


@app.command
async def make(
    reference: str,
    source: str,
    target: str,
    *,
    line: list[str],
    stage: str = Stage.DRAFT.value,
    due: datetime | None = None,
    json: AsJson = False,
) -> int:
    """Make a transfer.

    Args:
        reference: Its number.
        source: The location that the goods leave.
        target: The location that they go to.
        line: SKU=QUANTITY, once per item.
        stage: How far it has come: draft, ready, in_transit or received.
        due: When the goods shall be there.
        json: Print JSON for machines.
    """
    way, asked = one_of(Stage, stage, "stage"), quantities(line)
    async with hub() as parts, parts.database.transaction() as tx:
        now = parts.clock.now()
        estate = await parts.estate.get(tx)
        _check_places(estate, source, target)
        try:
            new = NewTransfer(
                reference=reference,
                source=LocationCode(source),
                target=LocationCode(target),
                quantities=asked,
                happened_at=now,
                stage=way,
                due_at=due if due is None or due.tzinfo is not None else due.replace(tzinfo=now.tzinfo),
                transferred_on=now.astimezone(ZoneInfo(estate.company.zone)).date(),
            )
        except ValueError as error:
            raise CommandError(f"{error}.") from None
        outcome = await inventory.transfer(tx, new, origin=_origin(), now=now)
        found = await inventory.find_transfer(tx, reference)
    match outcome:
        case Recorded() | AlreadyRecorded():
            assert found is not None, reference
            _print(found, as_json=json)
        case KeyReused():
            raise CommandError(f"{reference} stands for another document: use a new number.")
        case _:
            assert_never(outcome)
    return 0


@app.command
async def ready(reference: str, *, json: AsJson = False) -> int:
    """Say that the goods stand ready to be taken.

    Args:
        reference: The transfer's number.
        json: Print JSON for machines.
    """
    return await _step(reference, lambda *_: MarkReady(reference=reference), as_json=json)


@app.command
async def ship(reference: str, *, line: list[str] | None = None, json: AsJson = False) -> int:
    """Say that the goods have left.

    Args:
        reference: The transfer's number.
        line: SKU=QUANTITY of what left, once per item; none named: what was asked for.
        json: Print JSON for machines.
    """
    given = _given(line)
    return await _step(
        reference, lambda now, _: Ship(reference=reference, happened_at=now, quantities=given), as_json=json
    )


@app.command
async def receive(reference: str, arrival: str, *, line: list[str] | None = None, json: AsJson = False) -> int:
    """Say that goods have arrived.

    Args:
        reference: The transfer's number.
        arrival: A name for this arrival: the same one is booked once.
        line: SKU=QUANTITY of what arrived, once per item; none named: everything under way.
        json: Print JSON for machines.
    """
    given = _given(line)

    def arrived(now: datetime, today: date) -> Step:
        return Receive(reference=reference, arrival=arrival, happened_at=now, transferred_on=today, quantities=given)

    return await _step(reference, arrived, as_json=json)


@app.command
async def close(reference: str, *, reason: str = "", json: AsJson = False) -> int:
    """Say that nothing more will come: what is missing becomes a discrepancy.

    Args:
        reference: The transfer's number.
        reason: Why, for the books.
        json: Print JSON for machines.
    """
    return await _step(
        reference, lambda now, _: Close(reference=reference, happened_at=now, reason=reason), as_json=json
    )


@app.command
async def settle(reference: str, *, reason: str, json: AsJson = False) -> int:
    """Say that a discrepancy is explained. It moves no goods: correct the books by a count where they lie.

    Args:
        reference: The transfer's number.
        reason: The explanation, for the books.
        json: Print JSON for machines.
    """
    return await _step(reference, lambda *_: Settle(reference=reference, reason=reason), as_json=json)


@app.command
async def cancel(reference: str, *, reason: str = "", json: AsJson = False) -> int:
    """Call a transfer off, while its goods have not left.

    Args:
        reference: The transfer's number.
        reason: Why, for the books.
        json: Print JSON for machines.
    """
    return await _step(reference, lambda *_: Cancel(reference=reference, reason=reason), as_json=json)


async def _step(reference: str, wanted: Callable[[datetime, date], Step], *, as_json: bool) -> int:
    async with hub() as parts, parts.database.transaction() as tx:
        now = parts.clock.now()
        estate = await parts.estate.get(tx)
        today = now.astimezone(ZoneInfo(estate.company.zone)).date()
        outcome = await inventory.step(tx, wanted(now, today), origin=_origin(), now=now)
        found = await inventory.find_transfer(tx, reference)
    match outcome:
        case Stepped() | AlreadyRecorded():
            assert found is not None, reference
            _print(found, as_json=as_json)
        case KeyReused():
            raise CommandError("This arrival was told before with other goods: use another name for it.")
        case NotPossible():
            raise CommandError(f"{reference} is {outcome.state.value}: that cannot happen to it.")
        case UnknownTransfer():
            raise _unknown(reference)
        case _:
            assert_never(outcome)
    return 0


def _unknown(reference: str) -> CommandError:
    return CommandError(f'There is no transfer "{reference}".')


def _origin() -> Origin:
    return Origin.begin(person())


def _check_places(estate: Estate, *codes: str) -> None:
    for code in codes:
        if estate.location(code) is None:
            known = ", ".join(each.code for each in estate.locations) or "none"
            raise CommandError(f'There is no location "{code}" (there are: {known}).')


def _given(lines: Sequence[str] | None) -> dict[Sku, Decimal] | None:
    return None if lines is None else quantities(lines)


def _print(transfer: Transfer, *, as_json: bool) -> None:
    if as_json:
        print_json(transfer)
        return
    header = transfer.header
    due = "" if header.due_at is None else f", due {shown(header.due_at)}"
    say(f"{header.reference}: {header.source} to {header.target}, {header.state.value}{due}", "bold")
    columns = ("item", "asked for", "left", "arrived", "under way")
    rows = [(line.sku, line.asked, line.shipped, line.received, line.open) for line in transfer.lines]
    print_table(columns, rows, empty="It has no lines.")
