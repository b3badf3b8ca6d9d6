"""`crossdock exceptions …`: matters that need a person: list, show, release after the fix, dismiss."""

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, assert_never
from uuid import UUID

from cyclopts import App, Parameter

from crossdock.assembly.hub import Hub
from crossdock.assembly.means import means
from crossdock.canonical.money import exact, money
from crossdock.cli.context import hub, person
from crossdock.cli.output import (
    EXIT_FINDINGS,
    AsJson,
    CommandError,
    Flag,
    age,
    print_json,
    print_table,
    say,
    show,
    shown,
)
from crossdock.cli.raw import readable
from crossdock.cli.waiting import counted, in_words, watch_intents
from crossdock.operations import service as operations
from crossdock.operations.casework import service as casework
from crossdock.operations.casework.service import By, IntentSeen, NotPossible, ReleaseOutcome, Sight, StillWrong, Worked
from crossdock.operations.model import ExceptionState, OpenException
from crossdock.outbound.model import Verified

app = App(name="exceptions", help="Matters that need a person, by owner and clock.")

COLUMNS: Final = ("id", "type", "owner", "due", "times", "money", "about", "path", "detail")
ATTEMPTS: Final = ("intent", "kind", "state", "number", "purpose", "when", "verdict", "reason")


@app.command(name="list")
async def list_exceptions(
    *,
    owner: str = "",
    type: str = "",  # noqa: A002 (the flag's name)
    subject: str = "",
    all: Flag = False,  # noqa: A002 (the flag's name)
    limit: int = 200,
    json: AsJson = False,
) -> int:
    """List open exceptions, the most urgent first. Exit code 1 when there are any.

    Args:
        owner: Only this owner's.
        type: Only this type, e.g. intent_parked.
        subject: Only about this object, e.g. order/019a….
        all: Closed ones too.
        limit: At most so many.
        json: Print JSON for machines.
    """
    async with hub() as parts, parts.database.transaction() as tx:
        found = await operations.list_exceptions(
            tx, owner=owner, type_name=type, subject=subject, closed_too=all, limit=limit
        )
        now = parts.clock.now()
    if json:
        print_json(found)
    else:
        rows: list[dict[str, object]] = [
            {
                "id": each.id,
                "type": each.type,
                "owner": each.owner,
                "due": _due(each, now),
                "times": each.occurrences,
                "money": _money(each),
                "about": each.label,
                "path": each.path,
                "detail": each.detail,
            }
            for each in found
        ]
        show(COLUMNS, rows, as_json=False, empty="Nothing needs a person.")
    return EXIT_FINDINGS if any(each.state is ExceptionState.OPEN for each in found) else 0


def _due(each: OpenException, now: datetime) -> str:
    if each.closed_at is not None:
        return f"closed: {each.resolution}"
    return f"{age(now - each.due_at)} overdue" if each.due_at < now else f"in {age(each.due_at - now)}"


def _money(each: OpenException) -> str:
    return "" if each.amount is None or each.currency is None else money(each.amount, each.currency)


# --- show ----------------------------------------------------------------------------------------------------------


@app.command(name="show")
async def show_exception(exception: str, *, json: AsJson = False) -> int:
    """Show one: what it is about, the field, owner, clock and money, the raw message or the tries, and what can be done.

    Args:
        exception: Its id, or the beginning or end of it.
        json: Print JSON for machines.
    """
    async with hub() as parts, parts.database.transaction() as tx:
        found = await _find(parts, exception)
        sight = await casework.look(tx, parts.vault, found.id)
        now = parts.clock.now()
    assert sight is not None, found.id
    if json:
        print_json(_as_json(sight))
    else:
        _print(sight, now)
    return 0


def _as_json(sight: Sight) -> dict[str, object]:
    return {
        "exception": sight.exception,
        "todo": sight.remedy.todo,
        "release": sight.remedy.release,
        "dismiss": sight.remedy.dismiss,
        "order": None if sight.order is None else _order(sight),
        "message": None
        if sight.message is None
        else {
            "id": sight.message.message.id,
            "connection": sight.message.message.connection,
            "route": sight.message.message.route,
            "feed": sight.message.message.feed,
            "received_at": sight.message.message.received_at,
            "record": sight.record,
            "closed": sight.message.message.closed,
            "body": readable(sight.message.message.body),
            "raw": _record_raw(sight),
        },
        "intents": [{"intent": each.intent, "attempts": each.attempts} for each in sight.intents],
    }


def _order(sight: Sight) -> dict[str, object]:
    assert sight.order is not None
    header = sight.order.order.header
    return {
        "order_id": header.order_id,
        "number": header.number,
        "channel": header.channel,
        "channel_order_id": header.channel_order_id,
        "status": sight.order.status,
        "total": exact(header.total, header.currency),
        "currency": header.currency,
        "holds": [hold.hold for hold in sight.order.order.standing],
    }


def _print(sight: Sight, now: datetime) -> None:
    each = sight.exception
    say(f"{each.type}  {each.id}", "bold")
    for label, value in (
        ("about", each.label),
        ("subject", each.subject),
        ("field", each.path),
        ("what", each.detail),
        ("owner", each.owner),
        ("opened", f"{shown(each.opened_at)} ({age(now - each.opened_at)} ago), {each.occurrences} times"),
        ("clock", _due(each, now)),
        ("money", _money(each)),
        ("trace", str(each.correlation_id)),
    ):
        if value:
            say(f"  {label:<8}{value}")
    if sight.order is not None:
        header = sight.order.order.header
        say(
            f"  order   {header.number} of {header.channel}: {sight.order.status}, "
            f"{money(header.total, header.currency)}; crossdock order trace {header.order_id}"
        )
    _print_message(sight)
    _print_intents(sight.intents)
    if each.state is ExceptionState.CLOSED:
        return
    say("What can be done", "bold")
    say(f"  {sight.remedy.todo}")
    for verb, does in (("release", sight.remedy.release), ("dismiss", sight.remedy.dismiss)):
        if does:
            why = ' --reason "…"' if verb == "dismiss" else ""
            say(f"  crossdock exceptions {verb} {each.id}{why}: {does}")


def _print_message(sight: Sight) -> None:
    if sight.message is None:
        return
    message = sight.message.message
    say(
        f"  message {message.id} ({message.route} {message.feed} of {message.connection}, {shown(message.received_at)}), "
        f"record {sight.record}"
    )
    if message.closed:
        say(f"  {message.closed}", "yellow")
        return
    raw = _record_raw(sight)
    say(raw if raw is not None else readable(message.body), "dim")


def _record_raw(sight: Sight) -> str | None:
    """The record alone, when it could be cut out."""
    assert sight.message is not None
    record = next((each for each in sight.message.records if each.number == sight.record), None)
    return readable(record.raw) if record is not None and record.raw is not None else None


def _print_intents(intents: Sequence[IntentSeen]) -> None:
    rows = [row for seen in intents for row in _tries(seen)]
    if rows:
        print_table(ATTEMPTS, rows, empty="", title="Tries")


def _tries(seen: IntentSeen) -> Sequence[Sequence[object]]:
    intent = seen.intent
    if not seen.attempts:
        return [(intent.id, intent.kind, intent.state, "", "", "", "", intent.reason)]
    return [
        (intent.id, intent.kind, intent.state, each.number, each.purpose, each.started_at, each.verdict, each.reason)
        for each in seen.attempts
    ]


# --- act -----------------------------------------------------------------------------------------------------------


@app.command
async def release(
    exception: str,
    *,
    body: Annotated[Path | None, Parameter(allow_leading_hyphen=True)] = None,
    reason: str = "repaired",
    wait: float = 10.0,
    json: AsJson = False,
) -> int:
    """Set going what the exception holds up, after the fix, and say what happened. Exit code 1 when it is not well yet.

    Args:
        exception: Its id, or the beginning or end of it.
        body: A file with the corrected record or document; - reads standard input. What came in stays as it came.
        reason: What was repaired; kept with it.
        wait: Wait at most so many seconds to see intents land.
        json: Print JSON for machines.
    """
    content = None if body is None else _content(body)
    async with hub() as parts:
        found = await _find(parts, exception)
        async with parts.database.transaction() as tx:
            by = By(who=person(), why=reason, now=parts.clock.now())
            estate = await parts.estate.get(tx)
            outcome = await casework.release(tx, means(parts, estate), found, by, body=content)
        fared = await _await_intents(parts, outcome, wait)
    return _report(outcome, fared, as_json=json)


@app.command(alias="close")
async def dismiss(exception: str, *, reason: str, json: AsJson = False) -> int:
    """Decide that nothing more happens: an unreadable record has no effect, a refused intent is withdrawn.

    Args:
        exception: Its id, or the beginning or end of it.
        reason: Why; kept with it.
        json: Print JSON for machines.
    """
    async with hub() as parts:
        found = await _find(parts, exception)
        async with parts.database.transaction() as tx:
            by = By(who=person(), why=reason, now=parts.clock.now())
            outcome = await casework.dismiss(tx, found, by)
    return _report(outcome, None, as_json=json)


async def _find(parts: Hub, text: str) -> OpenException:
    """By id, or by a beginning or an end that only one open exception has. Ids begin with their time: ends tell more."""
    async with parts.database.transaction() as tx:
        try:
            found = await operations.get(tx, UUID(text))
        except ValueError:
            every = await operations.list_exceptions(tx, limit=10_000)
            part = text.lower()
            near = [each for each in every if str(each.id).startswith(part) or str(each.id).endswith(part)]
            if len(near) > 1:
                raise CommandError(
                    f'{len(near)} exceptions begin or end with "{text}": name more of it, or its last characters.'
                ) from None
            found = near[0] if near else None
    if found is None:
        raise CommandError(f'There is no exception "{text}": see `crossdock exceptions list --all`.')
    return found


def _content(body: Path) -> bytes:
    if str(body) == "-":
        return sys.stdin.buffer.read()
    try:
        return body.read_bytes()
    except OSError as error:
        raise CommandError(f"{body} cannot be read ({error.strerror}): check its path.") from error


async def _await_intents(parts: Hub, outcome: ReleaseOutcome, seconds: float) -> Verified | None:
    """How the released intents fare; None when there are none."""
    if not isinstance(outcome, Worked) or not outcome.intents:
        return None
    return await watch_intents(parts, outcome.intents, seconds, done=lambda fared: fared.settled)


def _report(outcome: ReleaseOutcome, fared: Verified | None, *, as_json: bool) -> int:
    counts = counted(fared)
    match outcome:
        case Worked():
            well = fared is None or fared.landed or not fared.settled
            text = f"Done: {outcome.did}."
        case StillWrong():
            well, text = False, f"Still wrong at {outcome.path}: {outcome.reason}"
        case NotPossible():
            well, text = False, f"Not done: {outcome.reason}"
        case _:
            assert_never(outcome)
    if as_json:
        print_json({"done": isinstance(outcome, Worked), "text": text, "intents": counts})
    else:
        say(text, "" if well else "red")
        if counts:
            say(f"Now: {in_words(counts)}.")
    return 0 if well else EXIT_FINDINGS
