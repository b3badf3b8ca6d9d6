"""`crossdock messages …` and `crossdock feeds`: what others told us, as they said it, and what became of it."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from cyclopts import App

from crossdock.cli.context import hub
from crossdock.cli.output import EXIT_FINDINGS, AsJson, CommandError, Flag, print_json, print_table, say, show, shown
from crossdock.cli.raw import readable
from crossdock.inbound import service as inbound
from crossdock.inbound.model import FeedShown, MessageId, MessageShown, Tally

app = App(name="messages", help="Raw messages and their records.")

OPEN: Final = ("message", "record", "connection", "feed", "state", "key", "path", "reason", "received", "deadline")
RECORDS: Final = ("record", "state", "kind", "key", "waits for", "path", "reason", "settled", "by")
FEEDS: Final = ("connection", "route", "feed", "pages", "heard", "silent since", "finished", "records")


@app.command(name="list")
async def list_messages(*, connection: str = "", limit: int = 200, json: AsJson = False) -> int:
    """List records that wait for a parent or for a person, oldest first. Exit code 1 when there are any.

    Args:
        connection: Only of this one.
        limit: At most so many.
        json: Print JSON for machines.
    """
    async with hub() as parts, parts.database.transaction() as tx:
        found = await inbound.open_records(tx, connection=connection, limit=limit)
    rows: list[dict[str, object]] = [
        {
            "message": each.message,
            "record": each.number,
            "connection": each.connection,
            "feed": each.feed,
            "state": each.state,
            "key": each.key,
            "path": each.path,
            "reason": each.reason or (f"waits for {each.waits_for}" if each.waits_for else ""),
            "received": each.received_at,
            "deadline": each.deadline,
        }
        for each in found
    ]
    show(OPEN, rows, as_json=json, empty="Every record has had its effect.")
    return EXIT_FINDINGS if found else 0


@app.command(name="show")
async def show_message(message: UUID, *, raw: Flag = False, json: AsJson = False) -> int:
    """Show one message: when, from where, its headers, what became of its records, and its body.

    Args:
        message: Its id.
        raw: Print the body alone, byte for byte.
        json: Print JSON for machines.
    """
    async with hub() as parts, parts.database.transaction() as tx:
        found = await inbound.show(tx, parts.vault, MessageId(message))
    if found is None:
        raise CommandError(f"There is no message {message}, or it is older than messages are kept.")
    if raw and found.message.closed:
        raise CommandError(f"What message {message} said cannot be shown: {found.message.closed}.")
    if raw:
        say(found.message.body.decode("utf-8", "replace"))
    elif json:
        print_json(_as_json(found))
    else:
        _print(found)
    return 0


def _as_json(found: MessageShown) -> dict[str, object]:
    stored = found.message
    return {
        "id": stored.id,
        "connection": stored.connection,
        "route": stored.route,
        "feed": stored.feed,
        "received_at": stored.received_at,
        "headers": stored.headers,
        "decoded": found.decoded,
        "records": [
            {
                "number": each.number,
                "state": each.state,
                "kind": each.kind,
                "key": each.key,
                "event_id": each.event_id,
                "path": each.path,
                "reason": each.reason,
                "trace": each.trace,
            }
            for each in found.records
        ],
        "size": stored.size,
        "closed": stored.closed,
        "body": readable(stored.body),
    }


def _print(found: MessageShown) -> None:
    stored = found.message
    say(f"{stored.route} {stored.feed} of {stored.connection}  {stored.id}", "bold")
    say(f"  received {shown(stored.received_at)}, {stored.size} bytes{'' if found.decoded else ', not decoded yet'}")
    for name, value in sorted(stored.headers.items()):
        say(f"  {name}: {value}", "dim")
    rows = [
        (
            each.number, each.state, each.kind, each.key, each.waits_for, each.path, each.reason, each.settled_at,
            each.settled_by,
        )
        for each in found.records
    ]  # fmt: skip
    print_table(RECORDS, rows, empty="  It has no records.", title="Records")
    if stored.closed:
        say(f"What it said cannot be shown: {stored.closed}.", "yellow")
    else:
        say(readable(stored.body))


async def feeds(*, connection: str = "", json: AsJson = False) -> int:
    """List polled feeds and first loads: how far each came, when it was last heard. Exit code 1 when one is silent.

    Args:
        connection: Only of this one.
        json: Print JSON for machines.
    """
    async with hub() as parts, parts.database.transaction() as tx:
        found = await inbound.list_feeds(tx, connection)
        tally = await inbound.tally(tx)
    rows: list[dict[str, object]] = [
        {
            "connection": each.connection,
            "route": each.route,
            "feed": each.feed,
            "pages": each.pages,
            "heard": each.heard_at,
            "silent since": each.silent_since,
            "finished": each.finished_at,
            "records": _counted(each, tally),
        }
        for each in found
    ]
    show(FEEDS, rows, as_json=json, empty="No feed has been polled yet.")
    return EXIT_FINDINGS if any(each.silent_since is not None for each in found) else 0


def _counted(feed: FeedShown, tally: Iterable[Tally]) -> str:
    same = [each for each in tally if (each.connection, each.feed) == (feed.connection, feed.feed)]
    return ", ".join(f"{each.count} {each.state}" for each in same)
