"""`crossdock intents …`: what other systems are asked to do, what waits for which cause, and what people decide."""

from typing import Final, assert_never
from uuid import UUID

from cyclopts import App

from crossdock.cli.context import hub, person
from crossdock.cli.output import EXIT_FINDINGS, AsJson, CommandError, one_of, print_json, print_table, say, show, shown
from crossdock.operations.casework.service import By, release_cause
from crossdock.outbound import service as outbound
from crossdock.outbound.model import Answer, Done, IntentState, IntentWithAttempts, Outcome, Unfit, Unknown
from crossdock.outbound.service import Filter

app = App(name="intents", help="What other systems are asked to do.")

COLUMNS: Final = ("id", "kind", "connection", "state", "outcome", "subject", "reference", "document", "tries", "changed", "cause", "reason")  # fmt: skip
CAUSES: Final = ("cause", "connection", "kind", "intents", "oldest", "reason")
TRIES: Final = ("number", "purpose", "started", "ended", "verdict", "code", "reason")


@app.command(name="list")
async def list_intents(
    *,
    state: str | None = None,
    outcome: str | None = None,
    connection: str | None = None,
    kind: str | None = None,
    cause: str | None = None,
    subject: str | None = None,
    limit: int = 100,
    json: AsJson = False,
) -> int:
    """List intents, newest first.

    Args:
        state: pending, sending, in_doubt, parked, landed, refused, superseded or withdrawn.
        outcome: What the business got, e.g. to_undo.
        connection: Only through this one.
        kind: Only this kind, e.g. sale.post.
        cause: Only what is parked for this cause.
        subject: Only about this object, e.g. order/019a….
        limit: At most so many.
        json: Print JSON for machines.
    """
    only = Filter(
        state=None if state is None else one_of(IntentState, state, "state"),
        outcome=None if outcome is None else one_of(Outcome, outcome, "outcome"),
        connection=connection,
        kind=kind,
        cause=cause,
        subject=subject,
    )
    async with hub() as parts, parts.database.transaction() as tx:
        found = await outbound.list_intents(tx, only, limit=limit)
    if json:
        print_json(found)
        return 0
    rows: list[dict[str, object]] = [
        {
            "id": each.id,
            "kind": each.kind,
            "connection": each.connection,
            "state": each.state,
            "outcome": each.outcome,
            "subject": each.subject,
            "reference": each.reference,
            "document": each.number or each.document_id,
            "tries": each.attempts,
            "changed": each.changed_at,
            "cause": each.cause,
            "reason": each.reason,
        }
        for each in found
    ]
    show(COLUMNS, rows, as_json=False, empty="There are no such intents.")
    return 0


@app.command(name="show")
async def show_intent(intent: UUID, *, json: AsJson = False) -> int:
    """Show one intent with its document and every try."""
    async with hub() as parts, parts.database.transaction() as tx:
        found = await outbound.get_intent(tx, intent)
    if found is None:
        raise CommandError(f"There is no intent {intent}: see `crossdock intents list`.")
    if json:
        print_json(found)
    else:
        _print(found)
    return 0


def _print(found: IntentWithAttempts) -> None:
    each = found.intent
    say(f"{each.kind} through {each.connection}  {each.id}", "bold")
    document = f"{each.document_id} {each.number}".strip()
    for label, value in (
        ("about", each.subject),
        ("reference", each.reference),
        ("state", f"{each.state}{', may have been applied' if each.unsure else ''}"),
        ("outcome", each.outcome),
        ("cause", each.cause),
        ("reason", each.reason),
        ("field", each.path),
        ("document", document),
        ("due", "" if each.landed_at else shown(each.due_at)),
        ("landed", shown(each.landed_at)),
        ("trace", str(each.correlation_id)),
    ):
        if value:
            say(f"  {label:<10}{value}")
    rows = [(a.number, a.purpose, a.started_at, a.ended_at, a.verdict, a.code, a.reason) for a in found.attempts]
    print_table(TRIES, rows, empty="  Nobody has tried yet.", title="Tries")


@app.command
async def causes(*, json: AsJson = False) -> int:
    """What parked intents wait for, the largest group first. Exit code 1 when any are parked."""
    async with hub() as parts, parts.database.transaction() as tx:
        found = await outbound.causes(tx)
    if json:
        print_json(found)
    else:
        rows = [(each.cause, each.connection, each.kind, each.intents, each.oldest, each.reason) for each in found]
        print_table(CAUSES, rows, empty="Nothing is parked.")
    return EXIT_FINDINGS if found else 0


@app.command
async def release(
    *,
    cause: str | None = None,
    connection: str | None = None,
    intent: UUID | None = None,
    reason: str = "repaired",
    json: AsJson = False,
) -> int:
    """Send parked intents on: all of a cause on a connection, or one. What may have been applied is looked for first.

    Args:
        cause: As `crossdock intents causes` names it; needs a connection.
        connection: Whose.
        intent: One intent alone.
        reason: What was repaired; kept with it.
        json: Print JSON for machines.
    """
    async with hub() as parts, parts.database.transaction() as tx:
        now = parts.clock.now()
        if intent is not None:
            released = (await outbound.release(tx, now, intent_id=intent)).intents
        elif cause is not None and connection is not None:
            by = By(who=person(), why=reason, now=now)
            released = (await release_cause(tx, connection, cause, by)).intents
        else:
            raise CommandError("Say which: --cause and --connection together, or --intent.")
    if json:
        print_json({"released": released})
    else:
        say(f"{len(released)} intents are on their way again.")
    return 0 if released else EXIT_FINDINGS


@app.command
async def withdraw(intent: UUID, *, reason: str, json: AsJson = False) -> int:
    """Its reason is gone: do not send it. What has landed already is marked as to be undone over there."""
    async with hub() as parts, parts.database.transaction() as tx:
        answer = await outbound.withdraw(tx, intent, who=person(), why=reason, now=parts.clock.now())
    return _report(answer, as_json=json)


@app.command
async def resolve(intent: UUID, document: str, *, number: str = "", reason: str, json: AsJson = False) -> int:
    """You made or found its document over there: it has landed as that.

    Args:
        intent: Which.
        document: The document's id in the other system.
        number: Its number, as people there call it.
        reason: How you know; kept with it.
        json: Print JSON for machines.
    """
    async with hub() as parts, parts.database.transaction() as tx:
        answer = await outbound.resolve(
            tx, intent, document, number=number, who=person(), why=reason, now=parts.clock.now()
        )
    return _report(answer, as_json=json)


@app.command
async def absent(intent: UUID, *, reason: str, json: AsJson = False) -> int:
    """You looked over there: it was not applied. The only way to send again what nothing can look for."""
    async with hub() as parts, parts.database.transaction() as tx:
        answer = await outbound.confirm_absent(tx, intent, who=person(), why=reason, now=parts.clock.now())
    return _report(answer, as_json=json)


def _report(answer: Answer, *, as_json: bool) -> int:
    match answer:
        case Done():
            code, text, state = 0, f"The intent is {answer.state} now.", str(answer.state)
        case Unfit():
            code, text, state = EXIT_FINDINGS, f"Not done: {answer.reason}.", ""
        case Unknown():
            raise CommandError(f"There is no intent {answer.intent_id}: see `crossdock intents list`.")
        case _:
            assert_never(answer)
    if as_json:
        print_json({"done": code == 0, "text": text, "state": state})
    else:
        say(text, "" if code == 0 else "red")
    return code
