"""`crossdock customer …`: what is kept about a person, for themselves, and how they are forgotten."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, assert_never
from uuid import UUID

import msgspec
from cyclopts import App
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from crossdock.assembly.hub import Hub
from crossdock.canonical.base import ConnectionName
from crossdock.canonical.money import exact
from crossdock.cli.context import hub, person
from crossdock.cli.output import EXIT_FINDINGS, AsJson, CommandError, Flag, errors, print_json, say, show, shown
from crossdock.cli.raw import readable
from crossdock.customers import service as customers
from crossdock.customers.model import Contact, ContactId, SubjectId
from crossdock.foundation.db import Tx
from crossdock.inbound.seals.service import Told
from crossdock.operations import trace as traces
from crossdock.operations.people import service as people
from crossdock.operations.people.model import Forgetting, Forgotten, ForgottenBefore, Holdings, StillNeeded, Whom
from crossdock.operations.people.register import note
from crossdock.operations.people.service import Request
from crossdock.orders.service import View

app = App(name="customer", help="People: what is kept about them, and how they are forgotten.")

FOUND: Final = ("customer", "connection", "name", "email", "city", "orders", "messages", "since", "erased")
FOUND_MAX: Final = 100


@app.command
async def find(text: str, *, json: AsJson = False) -> int:
    """Find people by mail address, telephone, name, the channel's customer id, or one of their orders.

    Everything is sealed, so every contact is opened and looked at. Exit code 1 when nobody is found.

    Args:
        text: What they are asked for by; an order by any of its names.
        json: Print JSON for machines.
    """
    async with hub() as parts:
        found = await _search(parts, text)
        async with parts.database.transaction() as tx:
            found |= await _by_order(tx, text)
            kept = [await _holdings(tx, parts, str(subject)) for subject in sorted(found)[:FOUND_MAX]]
    rows = [_row(each) for each in kept]
    show(FOUND, rows, as_json=json, empty="Nobody is known by that, or who was is erased.")
    return 0 if rows else EXIT_FINDINGS


async def _search(parts: Hub, text: str) -> set[SubjectId]:
    async with parts.database.transaction() as tx:
        total = await customers.count(tx)
    found: set[SubjectId] = set()
    before: ContactId | None = None
    with _bar(total) as bar:
        while len(found) < FOUND_MAX:
            async with parts.database.transaction() as tx:
                here, before = await customers.search(tx, parts.vault, text, before=before)
            found.update(here)
            bar.update(bar.task_ids[0], advance=customers.PAGE)
            if before is None:
                break
    return found


async def _by_order(tx: Tx, text: str) -> set[SubjectId]:
    owners = [await people.of_order(tx, order_id) for order_id in await traces.find(tx, text)]
    return {owner for owner in owners if owner is not None}


@contextmanager
def _bar(total: int) -> Iterator[Progress]:
    columns = (TextColumn("looking"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn())
    with Progress(*columns, console=errors, transient=True) as bar:
        bar.add_task("looking", total=total)
        yield bar


def _row(each: Holdings) -> dict[str, object]:
    newest = list(each.contacts.values())[-1] if each.contacts else Contact()
    someone, place = newest.person, newest.ship_to
    return {
        "customer": each.whom.subject.subject_id if each.whom.subject else "",
        "connection": each.whom.connection,
        "name": (someone.name if someone else "") or (place.name if place else ""),
        "email": someone.email if someone else "",
        "city": place.city if place else "",
        "orders": len(each.orders),
        "messages": len(each.messages),
        "since": each.whom.subject.created_at if each.whom.subject else None,
        "erased": each.whom.subject.erased_at if each.whom.subject else None,
    }


async def _whom(tx: Tx, parts: Hub, text: str) -> Whom:
    """By the id that `find` shows, or as CONNECTION/ID, CONNECTION/MAIL: how they are known there."""
    try:
        found = await people.whom(tx, parts.vault, SubjectId(UUID(text)))
    except ValueError:
        connection, _, name = text.partition("/")
        if not name:
            raise CommandError(f'"{text}" is neither a customer\'s id nor CONNECTION/ID.') from None
        return await people.known_as(tx, parts.vault, ConnectionName(connection), name)
    if found is None:
        raise CommandError(f"There is no customer {text}: crossdock customer find shows who there is.")
    return found


async def _holdings(tx: Tx, parts: Hub, text: str) -> Holdings:
    return await people.holdings(tx, parts.vault, await _whom(tx, parts, text))


@app.command
async def export(customer: str, *, file: Path | None = None) -> int:
    """Write everything that is kept about one person as JSON, for themselves: the right of access.

    Args:
        customer: Their id, as `crossdock customer find` shows it; or CONNECTION/ID, CONNECTION/MAIL: how they are known there.
        file: A new file, readable by you alone; without it, standard output.
    """
    async with hub() as parts, parts.database.transaction() as tx:
        kept = _whole(await _holdings(tx, parts, customer))
    if file is None:
        print_json(kept)
        return 0
    _write(file, kept)
    say(f"{file} holds everything that is kept about {customer}. Delete it when it was handed over.")
    return 0


def _write(file: Path, kept: dict[str, object]) -> None:
    try:
        file.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        raise CommandError(f"{file} exists: name a new file.") from None
    file.write_bytes(msgspec.json.format(msgspec.json.encode(kept, enc_hook=str), indent=2) + b"\n")


def _whole(kept: Holdings) -> dict[str, object]:
    subject = kept.whom.subject
    return {
        "customer": None if subject is None else subject.subject_id,
        "connection": kept.whom.connection,
        "known_since": None if subject is None else subject.created_at,
        "erased_at": None if subject is None else subject.erased_at,
        "contacts": [{"id": contact_id, "said": said} for contact_id, said in kept.contacts.items()],
        "orders": [_order(view) for view in kept.orders],
        "messages": [_message(told) for told in kept.messages],
    }


def _order(view: View) -> dict[str, object]:
    header = view.order.header
    return {
        "order_id": header.order_id,
        "channel": header.channel,
        "channel_order_id": header.channel_order_id,
        "number": header.number,
        "placed_at": header.placed_at,
        "status": view.status,
        "total": exact(header.total, header.currency),
        "currency": header.currency,
        "payments": header.payments,
        "contact": header.contact_id,
        "lines": [
            {
                "sku": line.sku,
                "name": line.name,
                "quantity": line.ordered,
                "unit_price": exact(line.unit_price, header.currency),
            }
            for line in view.order.lines
        ],
        "parcels": [
            {"shipped_at": parcel.shipped_at, "carrier": parcel.carrier, "tracking": parcel.tracking}
            for work in view.fulfilments
            for parcel in work.parcels
        ],
    }


def _message(told: Told) -> dict[str, object]:
    """What concerns others as well is named, not handed out."""
    stored = told.message
    said: dict[str, object] = {"headers": stored.headers, "body": readable(stored.body)}
    return {
        "id": stored.id,
        "received_at": stored.received_at,
        "connection": stored.connection,
        "route": stored.route,
        "feed": stored.feed,
        "size": stored.size,
        "also_about_others": told.shared,
        **({"closed": stored.closed} if stored.closed else {} if told.shared else said),
    }


@app.command
async def erase(customer: str, *, request: str, anyway: Flag = False, json: AsJson = False) -> int:
    """Forget one person for good: nobody can read any more who they were. Orders, stock and money stay.

    With open orders nothing is done: what is still to be sent would have no address. Exit code 1 then.

    Args:
        customer: Their id, as `crossdock customer find` shows it; or CONNECTION/ID, CONNECTION/MAIL: how they are known there.
        request: Where you keep their request, e.g. a ticket's number; shown wherever something is missing. No names.
        anyway: Erase although orders are open.
        json: Print JSON for machines.
    """
    if not request.strip():
        raise CommandError("Say where the request is kept: --request TICKET-17.")
    async with hub() as parts, parts.database.transaction() as tx:
        why = Request(reference=request.strip(), who=person(), now=parts.clock.now())
        outcome = await people.forget(tx, parts.vault, await _whom(tx, parts, customer), why, anyway=anyway)
        if isinstance(outcome, Forgotten):
            await asyncio.to_thread(note, parts.settings.home, outcome.entry)
    if json:
        print_json(_as_json(outcome))
    else:
        _report(customer, outcome)
    return EXIT_FINDINGS if isinstance(outcome, StillNeeded) else 0


def _as_json(outcome: Forgetting) -> dict[str, object]:
    match outcome:
        case StillNeeded():
            return {"outcome": "still_needed", "orders": outcome.orders}
        case ForgottenBefore():
            return {"outcome": "erased_before", "at": outcome.at}
        case Forgotten():
            return {
                "outcome": "erased",
                "at": outcome.entry.at,
                "contacts": outcome.contacts,
                "orders": outcome.orders,
                "messages": outcome.messages,
                "waiting": outcome.waiting,
            }
        case _:
            assert_never(outcome)


def _report(customer: str, outcome: Forgetting) -> None:
    match outcome:
        case StillNeeded():
            say(f"Nothing was erased: {len(outcome.orders)} orders are open and need the address.", "yellow")
            _list([f"crossdock order trace {order_id}" for order_id in outcome.orders])
            say("Erase when they are done, or now with --anyway.")
        case ForgottenBefore():
            say(f"Customer {customer} was erased on {shown(outcome.at)}.")
        case Forgotten():
            say(
                f"Customer {customer} is erased: {outcome.contacts} contacts and {outcome.messages} raw messages cannot be "
                f"read any more; {outcome.orders} orders stay, without a name."
            )
            if outcome.waiting:
                say(
                    f"{len(outcome.waiting)} records have still to be worked on; what they say is erased then:",
                    "yellow",
                )
                _list([f"crossdock messages show {each.message} ({each.state})" for each in outcome.waiting])
            say("Other systems were not told: erase there too. Backups hold the keys until you delete them.")
        case _:
            assert_never(outcome)


def _list(lines: Sequence[str]) -> None:
    for line in lines:
        say(f"  {line}")
