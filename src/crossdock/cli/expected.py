"""`crossdock expected …`: what suppliers will bring, and what has come of it."""

from pathlib import Path
from typing import assert_never

import msgspec
from cyclopts import App

from crossdock.canonical.base import LocationCode, Sku
from crossdock.canonical.stock import FloorMovement, ReceiptExpected
from crossdock.cli.context import hub, person
from crossdock.cli.output import AsJson, CommandError, print_json, print_table, say, show, shown
from crossdock.cli.quantities import quantities
from crossdock.eventlog.service import Origin
from crossdock.inventory import service as inventory
from crossdock.inventory.expected.model import Announced, Closed, NothingNew, Outdated, Purchase, UnknownPurchase
from crossdock.inventory.model import ExpectedLine, KeyReused, MovementKey, NewMovement, Recorded

app = App(name="expected", help="What suppliers will bring: announce it, take it in, give it up.")

COLUMNS = ("kind", "reference", "line", "item", "location", "due", "ordered", "received", "open")


@app.command(name="list")
async def list_expected(
    *, sku: str | None = None, location: str | None = None, limit: int = 200, json: AsJson = False
) -> int:
    """List what is under way: open lines of purchases and transfers.

    Args:
        sku: Only this item.
        location: Only what comes to this location.
        limit: At most so many.
        json: Print JSON for machines.
    """
    async with hub() as parts, parts.database.transaction() as tx:
        found = await inventory.expected_page(
            tx,
            sku=None if sku is None else Sku(sku),
            location=None if location is None else LocationCode(location),
            limit=limit,
        )
    rows: list[dict[str, object]] = [
        {
            "kind": line.kind,
            "reference": line.reference,
            "line": line.line,
            "item": line.sku,
            "location": line.location,
            "due": line.due_at,
            "ordered": line.quantity,
            "received": line.received,
            "open": line.open,
        }
        for line in found
    ]
    show(COLUMNS, rows, as_json=json, empty="Nothing is under way.")
    return 0


@app.command(name="show")
async def show_expected(reference: str, *, json: AsJson = False) -> int:
    """Show one supplier's document, line by line.

    Args:
        reference: The document's number.
        json: Print JSON for machines.
    """
    async with hub() as parts, parts.database.transaction() as tx:
        found = await inventory.purchase(tx, reference)
    if found is None:
        raise _unknown(reference)
    if json:
        print_json(found)
        return 0
    known = "not announced yet" if found.revised_at is None else f"as of {shown(found.revised_at)}"
    say(f"{found.reference} of {found.supplier or 'an unnamed supplier'}, {known}", "bold")
    rows = [
        (line.line, line.sku, line.location, line.due_at, line.quantity, line.received, line.open, line.close_reason)
        for line in found.lines
    ]
    print_table(
        ("line", "item", "location", "due", "ordered", "received", "open", "closed"), rows, empty="It has no lines."
    )
    return 0


@app.command
async def announce(file: Path, *, json: AsJson = False) -> int:
    """Announce or change a supplier's document; one without lines cancels it.

    Args:
        file: A `receipt_expected` document as JSON (see the documents page).
        json: Print JSON for machines.
    """
    document = _read(file)
    async with hub() as parts, parts.database.transaction() as tx:
        estate = await parts.estate.get(tx)
        if estate.location(document.location) is None:
            raise CommandError(f'There is no location "{document.location}".')
        (outcome,) = await inventory.announce(
            tx, [Purchase.of(document)], origin=Origin.begin(person()), now=parts.clock.now()
        )
    if json:
        print_json(outcome)
        return 0
    match outcome:
        case Announced():
            say(f"{document.reference}: {shown(outcome.open)} units are expected.")
        case NothingNew():
            say(f"{document.reference}: nothing new.")
        case Outdated():
            say(f"{document.reference}: a statement of {shown(outcome.revised_at)} is newer; nothing was changed.")
        case _:
            assert_never(outcome)
    return 0


@app.command
async def receive(reference: str, arrival: str, location: str, *, line: list[str], json: AsJson = False) -> int:
    """Take goods of a supplier's document in.

    Args:
        reference: The document's number.
        arrival: A name for this arrival: the same one is booked once.
        location: Where they came.
        line: SKU=QUANTITY, once per item.
        json: Print JSON for machines.
    """
    came = quantities(line)
    async with hub() as parts:
        now = parts.clock.now()
        movements = [
            NewMovement(
                key=MovementKey(f"{person()}/{reference}/{arrival}/{sku}"),
                kind=FloorMovement.RECEIVE,
                sku=sku,
                location=LocationCode(location),
                quantity=units,
                happened_at=now,
                expects=ExpectedLine(reference),
            )
            for sku, units in came.items()
        ]
        async with parts.database.transaction() as tx:
            if (await parts.estate.get(tx)).location(location) is None:
                raise CommandError(f'There is no location "{location}".')
            outcomes = await inventory.record(tx, movements, origin=Origin.begin(person()), now=now)
            if any(isinstance(outcome, KeyReused) for outcome in outcomes):
                raise CommandError("This arrival was told before with other goods: use another name for it.")
    booked = sum(isinstance(outcome, Recorded) for outcome in outcomes)
    if json:
        print_json({"reference": reference, "booked": booked})
    else:
        say(f"{reference}: {booked} lines booked." if booked else f"{reference}: this arrival was booked before.")
    return 0


@app.command
async def close(reference: str, *, reason: str = "", json: AsJson = False) -> int:
    """Expect nothing more of a supplier's document.

    Args:
        reference: The document's number.
        reason: Why, for the books.
        json: Print JSON for machines.
    """
    async with hub() as parts:
        now = parts.clock.now()
        async with parts.database.transaction() as tx:
            outcome = await inventory.close_purchase(
                tx, reference, reason=reason, at=now, origin=Origin.begin(person()), now=now
            )
    match outcome:
        case Closed():
            if json:
                print_json(outcome)
            else:
                say(f"{reference}: {shown(outcome.given_up)} units are not expected any more.")
        case UnknownPurchase():
            raise _unknown(reference)
        case _:
            assert_never(outcome)
    return 0


def _read(file: Path) -> ReceiptExpected:
    try:
        return msgspec.json.decode(file.read_bytes(), type=ReceiptExpected)
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise CommandError(f"{file} is no document of an expected receipt: {error}.") from None


def _unknown(reference: str) -> CommandError:
    return CommandError(f'Nobody has told of a document "{reference}".')
