"""SQL that only looks at intents and attempts."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, LiteralString
from uuid import UUID

from crossdock.foundation.db import Tx, fetch_all, fetch_one, fetch_tuples, fetch_value
from crossdock.outbound.model import (
    Attempt,
    Backlog,
    CauseCount,
    Intent,
    IntentState,
    Outcome,
    ParkedCause,
    Purpose,
    Verdict,
)

LIST: Final[LiteralString] = """
SELECT id, position, kind, connection, flow, reference, business_key, subject, document, state::text AS state,
       outcome::text AS outcome, wanted, unsure, cause, reason, path, priority, due_at, attempts, failures,
       document_id, number, correlation_id, cause_fact, created_at, changed_at, landed_at
  FROM outbound.intent
 WHERE (%(state)s::text IS NULL OR state = %(state)s::text::outbound.intent_state)
   AND (%(outcome)s::text IS NULL OR outcome = %(outcome)s::text::outbound.outcome)
   AND (%(connection)s::text IS NULL OR connection = %(connection)s)
   AND (%(kind)s::text IS NULL OR kind = %(kind)s)
   AND (%(cause)s::text IS NULL OR cause = %(cause)s)
   AND (%(cause_prefix)s::text IS NULL OR starts_with(cause, %(cause_prefix)s))
   AND (%(subject)s::text IS NULL OR subject = %(subject)s)
   AND (%(after)s::uuid IS NULL OR id < %(after)s)
 ORDER BY id DESC
 LIMIT %(limit)s
"""

GET_LOCKED: Final[LiteralString] = """
SELECT id, position, kind, connection, flow, reference, business_key, subject, document, state::text AS state,
       outcome::text AS outcome, wanted, unsure, cause, reason, path, priority, due_at, attempts, failures,
       document_id, number, correlation_id, cause_fact, created_at, changed_at, landed_at
  FROM outbound.intent WHERE id = %(id)s FOR UPDATE
"""

ATTEMPTS_OF: Final[LiteralString] = """
SELECT id, intent_id, number, purpose::text AS purpose, started_at, ended_at, verdict::text AS verdict, reason, code
  FROM outbound.attempt WHERE intent_id = %(id)s ORDER BY id
"""

CAUSES: Final[LiteralString] = """
SELECT cause, connection, kind, count(*) AS intents, min(created_at) AS oldest,
       (array_agg(reason ORDER BY id DESC))[1] AS reason
  FROM outbound.intent WHERE state = 'parked'
 GROUP BY cause, connection, kind
 ORDER BY count(*) DESC, cause
"""

BACKLOG: Final[LiteralString] = """
SELECT connection, kind, state::text AS state, count(*) AS intents, min(created_at) AS oldest
  FROM outbound.intent WHERE state IN ('pending', 'sending', 'in_doubt', 'parked', 'refused')
 GROUP BY connection, kind, state
 ORDER BY connection, kind, state
"""

STATES_OF: Final[LiteralString] = """
SELECT state::text, count(*) FROM outbound.intent WHERE id = ANY(%(ids)b::uuid[]) GROUP BY state
"""

# Over there, or maybe: the same as what is begun for those who undo.
TOLD_OF: Final[LiteralString] = """
SELECT reference
  FROM outbound.intent
 WHERE business_key = ANY(%(keys)b::text[])
   AND kind = %(kind)s
   AND (state IN ('sending', 'in_doubt', 'landed') OR unsure)
"""

DOCUMENT_OF: Final[LiteralString] = """
SELECT document_id FROM outbound.intent
 WHERE connection = %(connection)s AND kind = %(kind)s AND reference = %(reference)s AND state = 'landed'
"""


PARKED_CAUSES: Final[LiteralString] = """
SELECT connection, cause, count(*) AS intents
  FROM outbound.intent
 WHERE state = 'parked' AND (%(connection)s = '' OR connection = %(connection)s)
   AND starts_with(cause, %(prefix)s)
 GROUP BY connection, cause
 ORDER BY min(position)
"""

AT_RISK: Final[LiteralString] = """
SELECT origin.currency, sum(origin.total)
  FROM (SELECT DISTINCT subject FROM outbound.intent
         WHERE state = 'parked' AND connection = %(connection)s AND starts_with(cause, %(prefix)s)
           AND starts_with(subject, 'order/')) AS waiting
  JOIN outbound.order_origin AS origin ON origin.order_id = substr(waiting.subject, 7)
 GROUP BY origin.currency
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a list is limited to; None means any."""

    state: IntentState | None = None
    outcome: Outcome | None = None
    connection: str | None = None
    kind: str | None = None
    cause: str | None = None
    cause_prefix: str | None = None
    subject: str | None = None


async def list_intents(tx: Tx, only: Filter, *, after: UUID | None, limit: int) -> list[Intent]:
    """Newest first, from *after* on."""
    params = {
        "state": None if only.state is None else only.state.value,
        "outcome": None if only.outcome is None else only.outcome.value,
        "connection": only.connection,
        "kind": only.kind,
        "cause": only.cause,
        "cause_prefix": only.cause_prefix,
        "subject": only.subject,
        "after": after,
        "limit": limit,
    }
    return [typed(row) for row in await fetch_all(tx, LIST, Intent, params)]


async def get_locked(tx: Tx, intent_id: UUID) -> Intent | None:
    """One intent, its row locked until the transaction ends."""
    row = await fetch_one(tx, GET_LOCKED, Intent, {"id": intent_id})
    return None if row is None else typed(row)


async def attempts_of(tx: Tx, intent_id: UUID) -> list[Attempt]:
    """Every try of an intent, oldest first."""
    rows = await fetch_all(tx, ATTEMPTS_OF, Attempt, {"id": intent_id})
    return [replace(row, purpose=Purpose(row.purpose), verdict=Verdict(row.verdict)) for row in rows]


async def causes(tx: Tx) -> list[CauseCount]:
    """Parked intents by what they wait for."""
    return await fetch_all(tx, CAUSES, CauseCount)


async def parked_causes(tx: Tx, prefix: str, connection: str) -> list[ParkedCause]:
    """What parked intents wait for, whatever their kind, the longest waiting first."""
    return await fetch_all(tx, PARKED_CAUSES, ParkedCause, {"prefix": prefix, "connection": connection})


async def at_risk(tx: Tx, connection: str, prefix: str) -> dict[str, Decimal]:
    """The orders behind parked intents, each once: their totals per currency."""
    return dict(await fetch_tuples(tx, AT_RISK, {"connection": connection, "prefix": prefix}))


async def backlog(tx: Tx) -> list[Backlog]:
    """What is not settled, counted by connection, kind and state."""
    return [replace(row, state=IntentState(row.state)) for row in await fetch_all(tx, BACKLOG, Backlog)]


async def states_of(tx: Tx, ids: Sequence[UUID]) -> dict[IntentState, int]:
    """Where a group stands."""
    return {IntentState(row[0]): row[1] for row in await fetch_tuples(tx, STATES_OF, {"ids": ids})}


async def told_of(tx: Tx, kind: str, business_keys: Collection[str]) -> Collection[str]:
    """References of a kind that another system was told, or may have been."""
    rows = await fetch_tuples(tx, TOLD_OF, {"kind": kind, "keys": sorted(business_keys)})
    return {row[0] for row in rows}


async def document_of(tx: Tx, connection: str, kind: str, reference: str) -> str | None:
    """The target's document that our reference became."""
    return await fetch_value(tx, DOCUMENT_OF, str, {"connection": connection, "kind": kind, "reference": reference})


def typed(row: Intent) -> Intent:
    """A row as it comes from the database, its states as what they are."""
    return replace(row, state=IntentState(row.state), outcome=Outcome(row.outcome))
