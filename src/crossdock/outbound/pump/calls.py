"""Carry intents out through a connector, and say in our words how it ended. No transaction is open here."""

import asyncio
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, assert_never

from crossdock.canonical.discretion import Discretion, said_of
from crossdock.canonical.intents import IntentDocument, PostSale
from crossdock.connector_kit.model import Absent, Landed, Outcome, Refused, Send, Stale
from crossdock.connector_kit.record import Undecodable
from crossdock.connector_kit.session import Session
from crossdock.connector_kit.verdict import CallFailed, LookupMissing, Unmatched
from crossdock.connector_kit.verdict import Verdict as CallVerdict
from crossdock.foundation.log import logger
from crossdock.outbound.causes import identity_cause, lookup_cause, text
from crossdock.outbound.model import Ended, Verdict

log = logger(__name__)

CALL_S_MAX: Final = 120.0
"""For one run of a connector, all its requests together."""

VERDICTS: Final[Mapping[CallVerdict, Verdict]] = {
    CallVerdict.NOT_SENT: Verdict.NOT_SENT,
    CallVerdict.UNKNOWN: Verdict.UNKNOWN,
    CallVerdict.REFUSED: Verdict.REFUSED,
    CallVerdict.THROTTLED: Verdict.THROTTLED,
    CallVerdict.BROKEN: Verdict.BROKEN,
}
ONE_SPOILS_ALL: Final = frozenset({Verdict.UNMAPPED, Verdict.REFUSED})
"""Nothing was applied because of one document of a batch: its neighbours are tried without it."""


async def carry_out(session: Session, send: Send, documents: Sequence[IntentDocument]) -> Sequence[Ended]:
    """One end per document. A batch that fails as a whole because of one document is cut in halves until it is alone."""
    ended = await _run(session, send, documents)
    if len(documents) == 1 or any(one.verdict not in ONE_SPOILS_ALL for one in ended) or not _as_whole(ended):
        return ended
    middle = len(documents) // 2
    first = await carry_out(session, send, documents[:middle])
    return (*first, *await carry_out(session, send, documents[middle:]))


async def look(session: Session, send: Send, document: IntentDocument) -> Ended:
    """Probe for one document by its reference."""
    assert send.probe is not None, send.kind
    try:
        async with asyncio.timeout(CALL_S_MAX):
            found = await send.probe(session, document)
    except Exception as error:  # noqa: BLE001 (whatever fails here leaves the intent in doubt)
        return failed(error, send.kind, discretion_about([document]))
    match found:
        case Landed():
            return _landed(found)
        case Absent():
            return Ended(verdict=Verdict.ABSENT)
        case _:
            assert_never(found)


async def _run(session: Session, send: Send, documents: Sequence[IntentDocument]) -> Sequence[Ended]:
    try:
        async with asyncio.timeout(CALL_S_MAX):
            outcomes = await send.run(session, documents)
    except Exception as error:  # noqa: BLE001 (a bug in a connector must not stop the pump, and may have sent)
        return [failed(error, send.kind, discretion_about(documents))] * len(documents)
    if len(outcomes) != len(documents):
        reason = f"the connector gave {len(outcomes)} outcomes for {len(documents)} documents"
        log.error("connector_miscounted", kind=send.kind, connection=session.connection, reason=reason)
        return [Ended(verdict=Verdict.UNKNOWN, reason=reason)] * len(documents)
    discretion = discretion_about(documents)
    return [discreet(_ended(outcome), discretion) for outcome in outcomes]


def _as_whole(ended: Sequence[Ended]) -> bool:
    """Did the call fail once for all, rather than answer per item?"""
    return all(one is ended[0] for one in ended)


def _ended(outcome: Outcome) -> Ended:
    match outcome:
        case Landed():
            return _landed(outcome)
        case Refused():
            return Ended(
                verdict=Verdict.REFUSED, reason=text(outcome.reason), path=text(outcome.path), code=text(outcome.code)
            )
        case Stale():
            reason = outcome.reason or f"the target holds {outcome.current}"
            return Ended(verdict=Verdict.STALE, reason=text(reason), current=outcome.current)
        case _:
            assert_never(outcome)


def _landed(landed: Landed) -> Ended:
    return Ended(
        verdict=Verdict.LANDED,
        document_id=text(landed.document_id.strip()),
        number=text(landed.number),
        news=landed.news,
    )


def discretion_about(documents: Sequence[IntentDocument]) -> Discretion:
    """Targets quote what they were sent when they refuse it; who it was about is left out of what is kept."""
    values: set[str] = set()
    for document in documents:
        if isinstance(document, PostSale):
            values |= said_of(document.customer, document.ship_to)
    return Discretion(values)


def discreet(ended: Ended, discretion: Discretion) -> Ended:
    """*ended* in words that say nothing of people."""
    if not ended.reason:
        return ended
    return replace(ended, reason=discretion.without(ended.reason))


def failed(error: Exception, kind: str, discretion: Discretion) -> Ended:
    """What an exception of a connector means. What is not foreseen may have been applied."""
    return discreet(_failed(error, kind, discretion), discretion)


def _failed(error: Exception, kind: str, discretion: Discretion) -> Ended:
    match error:
        case CallFailed():
            return Ended(
                verdict=VERDICTS[error.verdict],
                reason=text(error.reason),
                path=text(error.path),
                code=text(error.code),
                wait=error.retry_after,
            )
        case LookupMissing():
            return Ended(verdict=Verdict.UNMAPPED, reason=text(str(error)), cause=lookup_cause(error.table, error.code))
        case Unmatched():
            return Ended(
                verdict=Verdict.UNMAPPED, reason=text(str(error)), cause=identity_cause(error.kind, error.code)
            )
        case Undecodable():
            return Ended(verdict=Verdict.UNKNOWN, reason=text(f"their answer cannot be read: {error}"))
        case TimeoutError():
            return Ended(verdict=Verdict.UNKNOWN, reason=f"no answer within {CALL_S_MAX:g} s")
        case _:
            trace = "".join(traceback.format_tb(error.__traceback__))  # its words may quote what was sent
            log.error("connector_failed", kind=kind, error=discretion.without(_told(error)), trace=trace)
            return Ended(verdict=Verdict.UNKNOWN, reason=text(_told(error)))


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
