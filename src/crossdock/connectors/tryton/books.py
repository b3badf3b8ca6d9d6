"""Journals as entries of Tryton's general ledger.

An entry has no unique key: our reference is its `description`, and whoever makes one looks first. Tried on 8.0: create with
period, journal, date and lines, then `post`, which refuses an unbalanced entry and may not be repeated; numbers are drawn
under a lock that Tryton does not wait for, hence `serial`.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from crossdock.canonical.intents import IntentDocument, JournalLine, PostJournal
from crossdock.connector_kit.model import Absent, Found, Landed, Outcome, Refused
from crossdock.connector_kit.record import Record
from crossdock.connector_kit.session import Session
from crossdock.connectors.tryton import codes
from crossdock.connectors.tryton.codes import document_id, of_kind
from crossdock.connectors.tryton.rpc import Tryton
from crossdock.connectors.tryton.wire import Json, day, decimal

ENTRY: Final = "account.move"
_FIELDS: Final = ("state", "number")


async def post_journals(session: Session, documents: Sequence[IntentDocument]) -> Sequence[Outcome]:
    """Each becomes one posted entry."""
    return [await _post(session, of_kind(document, PostJournal)) for document in documents]


async def probe_journal(session: Session, document: IntentDocument) -> Found:
    """Posted or not."""
    found = await _find(session, Tryton(session), document.reference)
    return _landed(found) if found is not None and found.text("state") == "posted" else Absent()


async def _post(session: Session, document: PostJournal) -> Outcome:
    tryton = Tryton(session)
    found = await _find(session, tryton, document.reference)
    if found is not None and found.text("state") == "posted":
        return _landed(found)
    if found is not None:
        await tryton.delete(ENTRY, found.whole("id"))  # left by a try that was interrupted
    company = (await tryton.rows("company.company", [], ["currency.code"], limit=1))[0]
    if company.one("currency.").text("code") != document.currency:
        return Refused(reason="the company's books are kept in another currency", path="$.currency", code="currency")
    on = day(document.posting_date)
    period = await tryton.first(
        "account.period",
        [["start_date", "<=", on], ["end_date", ">=", on], ["type", "=", "standard"], ["state", "=", "open"]],
        ["id"],
    )
    if period is None:
        return Refused(reason="Tryton has no open period for this day", path="$.posting_date", code="period")
    accounts = await codes.accounts(session, tryton, [line.account for line in document.lines])
    record = await tryton.create(
        ENTRY,
        {
            "journal": await _journal(session, tryton), "period": period.whole("id"), "date": on,
            "description": document.reference,
            "lines": [["create", [_line(line, accounts, document.text) for line in document.lines]]],
        },
    )  # fmt: skip
    await tryton.press(ENTRY, "post", record)
    return _landed((await tryton.read(ENTRY, [record], _FIELDS))[0])


def _line(line: JournalLine, accounts: Mapping[str, int], text: str) -> Mapping[str, Json]:
    return {
        "account": accounts[line.account], "debit": decimal(line.debit),
        "credit": decimal(line.credit), "description": line.text or text,
    }  # fmt: skip


async def _find(session: Session, tryton: Tryton, reference: str) -> Record | None:
    domain: Sequence[Json] = [["description", "=", reference], ["journal", "=", await _journal(session, tryton)]]
    return await tryton.first(ENTRY, domain, _FIELDS)


async def _journal(session: Session, tryton: Tryton) -> int:
    code = session.settings["journal"]
    return await codes.the_one(tryton, "account.journal", [["code", "=", code]], f'journal "{code}"')


def _landed(entry: Record) -> Landed:
    return Landed(document_id=document_id(ENTRY, entry.whole("id")), number=entry.text_or_empty("number"))
