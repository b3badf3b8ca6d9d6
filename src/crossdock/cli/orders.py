"""`crossdock order …`: one order's whole story; cancel it, or part of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Final, assert_never

from cyclopts import App, Parameter

from crossdock.canonical.base import OrderId, check_positive
from crossdock.canonical.money import exact, money
from crossdock.cli.adding import parsed
from crossdock.cli.context import hub, person
from crossdock.cli.output import EXIT_FINDINGS, AsJson, CommandError, age, print_json, print_table, say, shown
from crossdock.foundation.db import Tx
from crossdock.operations import trace as traces
from crossdock.operations.trace import Trace
from crossdock.orders import service as orders
from crossdock.orders.model import AlreadyCancelled, Cancelled, NotFound, RestCancelled, TooLate
from crossdock.orders.service import LinesCancelled, LinesOutcome, NotOpen

app = App(name="order", help="Orders: find one and everything that happened to it, cancel.")

STEPS: Final = ("time", "after", "who", "what", "detail", "ids")
WAITS: Final = ("waits for", "what", "since", "exception")
DOCUMENTS: Final = ("connection", "kind", "document", "number", "landed")


@app.command
async def trace(order: str, *, json: AsJson = False) -> int:
    """Tell one order's story: messages, facts, stock, intents with every try, documents, and who waits for whom.

    Args:
        order: Our id, the channel's id or number, a fulfilment, a tracking number, or any system's document id or number.
        json: Print JSON for machines.
    """
    async with hub() as parts, parts.database.snapshot() as tx:
        found = await traces.trace_order(tx, await _the_one(tx, order))
        now = parts.clock.now()
    assert found is not None, order
    if json:
        print_json(_as_json(found))
    else:
        _print(found, now)
    return 0


@app.command
async def cancel(
    order: str, *, reason: str, line: Annotated[Sequence[str], Parameter(negative="")] = (), json: AsJson = False
) -> int:
    """Ship nothing more of an order, or less of some lines. Claims are free again at once; repeating changes nothing.

    Args:
        order: As for `trace`.
        reason: Why; kept with the order.
        line: LINE=UNITS: so many units of that line shall be cancelled in all; repeat. None means the whole order.
        json: Print JSON for machines.
    """
    in_all = {name: _units(name, units) for name, units in parsed(line).items()}
    async with hub() as parts, parts.database.transaction() as tx:
        found = await _the_one(tx, order)
        source, now = f"person:{person()}", parts.clock.now()
        if in_all:
            outcome = await orders.cancel_lines(tx, found, in_all, reason, now=now, source=source)
        else:
            outcome = await orders.cancel(tx, found, reason, now=now, source=source)
    done, text = _said(outcome)
    if json:
        print_json({"order_id": found, "done": done, "text": text})
    else:
        say(text, "" if done else "red")
    return 0 if done else EXIT_FINDINGS


def _units(name: str, text: str) -> Decimal:
    try:
        units = Decimal(text)
        check_positive(units, name)
    except (ArithmeticError, ValueError) as error:
        raise CommandError(f'"{text}" is no number of units of line {name} above 0.') from error
    return units


def _said(outcome: LinesOutcome) -> tuple[bool, str]:
    match outcome:
        case Cancelled():
            said = True, "Nothing of the order will be shipped."
        case RestCancelled():
            said = True, f"{shown(outcome.shipped)} units had left; the rest is cancelled."
        case LinesCancelled():
            said = True, f"{shown(outcome.units)} of its units will not be shipped; the rest goes on."
        case AlreadyCancelled():
            said = True, "That is cancelled already: nothing has changed."
        case NotOpen():
            lines = ", ".join(outcome.line_ids)
            said = False, f"Nothing has changed: of line {lines} not so many units are open or cancelled."
        case TooLate():
            said = False, "Everything has left: it comes back as a return."
        case NotFound():
            said = False, "There is no such order."
        case _:
            assert_never(outcome)
    return said


async def _the_one(tx: Tx, text: str) -> OrderId:
    found = await traces.find(tx, text)
    if not found:
        raise CommandError(f'No order is called "{text}", here or in any connected system.')
    if len(found) > 1:
        raise CommandError(f'Several orders are called "{text}": {await _named(tx, found)}. Give the id of one.')
    return found[0]


async def _named(tx: Tx, found: Sequence[OrderId]) -> str:
    views = [await orders.get(tx, order_id) for order_id in found]
    return "; ".join(
        f"{view.order.header.order_id} ({view.order.header.channel} {view.order.header.number})"
        for view in views
        if view is not None
    )


def _as_json(found: Trace) -> dict[str, object]:
    header = found.view.order.header
    return {
        "order_id": header.order_id,
        "number": header.number,
        "channel": header.channel,
        "channel_order_id": header.channel_order_id,
        "connection": header.connection,
        "status": found.view.status,
        "total": exact(header.total, header.currency),
        "currency": header.currency,
        "placed_at": header.placed_at,
        "accepted_at": header.accepted_at,
        "steps": found.steps,
        "waits": found.waits,
        "documents": found.documents,
    }


def _print(found: Trace, now: datetime) -> None:
    header = found.view.order.header
    say(f"Order {header.number} of {header.channel}: {found.view.status}", "bold")
    say(
        f"  {header.order_id}, {header.channel_order_id} on {header.connection}, "
        f"{money(header.total, header.currency)}, placed {shown(header.placed_at)}"
    )
    before = found.steps[0].at if found.steps else now
    rows: list[Sequence[object]] = []
    for step in found.steps:
        rows.append(
            (_clock(step.at), _after(step.at - before), step.source, step.what, step.detail, " ".join(step.ids))
        )
        before = step.at
    print_table(STEPS, rows, empty="Nothing is known of it.")
    documents = [
        (each.connection, each.kind, each.document_id, each.number, each.landed_at) for each in found.documents
    ]
    print_table(DOCUMENTS, documents, empty="It has become no document yet.", title="Documents")
    waits = [(each.whom, each.what, f"{age(now - each.since)}", each.exception) for each in found.waits]
    print_table(WAITS, waits, empty="Nobody waits: it is finished.", title="Open")


def _clock(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def _after(span: timedelta) -> str:
    """Since the line before: milliseconds while they matter."""
    seconds = span.total_seconds()
    if seconds < 1:
        return f"+{seconds * 1000:.0f} ms"
    return f"+{seconds:.1f} s" if seconds < 60 else f"+{age(span)}"  # noqa: PLR2004 (a minute)
