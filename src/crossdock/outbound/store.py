"""SQL of intents and attempts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, LiteralString
from uuid import UUID

import msgspec

from crossdock.canonical.intents import IntentDocument
from crossdock.foundation.db import Tx, execute, fetch_all, fetch_tuples, fetch_value
from crossdock.outbound.model import Attempt, Intent, IntentState, Outcome
from crossdock.outbound.reading.store import typed
from crossdock.outbound.states import Decision

WORK_WAITS: Final[LiteralString] = """
SELECT EXISTS (SELECT FROM outbound.intent
                WHERE connection = %(connection)s AND state = 'pending' AND NOT blocked AND due_at <= %(now)s)
    OR EXISTS (SELECT FROM outbound.intent
                WHERE connection = %(connection)s AND state = 'in_doubt' AND due_at <= %(now)s)
"""

# Due, and the first of its key on this connection that is not settled.
CLAIMABLE: Final[LiteralString] = """
SELECT id, position, kind, connection, flow, reference, business_key, subject, document, state::text AS state,
       outcome::text AS outcome, wanted, unsure, cause, reason, path, priority, due_at, attempts, failures,
       document_id, number, correlation_id, cause_fact, created_at, changed_at, landed_at
  FROM outbound.intent AS i
 WHERE connection = %(connection)s AND state = 'pending' AND NOT blocked AND due_at <= %(now)s
   AND kind <> ALL(%(leave)b::text[])
   AND NOT EXISTS (SELECT FROM outbound.intent AS earlier
                    WHERE earlier.connection = i.connection AND earlier.business_key = i.business_key
                      AND earlier.position < i.position
                      AND earlier.state IN ('pending', 'sending', 'in_doubt', 'parked', 'refused'))
 ORDER BY priority, position
 LIMIT %(limit)s
   FOR UPDATE OF i SKIP LOCKED
"""

# Committed before the call: whoever finds `sending` without its sender knows that a call may have been made.
MARK_SENDING: Final[LiteralString] = """
UPDATE outbound.intent
   SET state = 'sending', token = %(token)s, attempts = attempts + 1, cause = '', reason = '', path = '',
       changed_at = %(now)s
 WHERE id = ANY(%(ids)b::uuid[]) AND state = 'pending'
"""

# Hidden while it is being looked for; comes back by itself if the prober dies.
CLAIM_DOUBTS: Final[LiteralString] = """
UPDATE outbound.intent
   SET token = %(token)s, attempts = attempts + 1, due_at = %(hidden_until)s, changed_at = %(now)s
 WHERE id IN (SELECT id FROM outbound.intent
               WHERE connection = %(connection)s AND state = 'in_doubt' AND due_at <= %(now)s
               ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING id, position, kind, connection, flow, reference, business_key, subject, document, state::text AS state,
       outcome::text AS outcome, wanted, unsure, cause, reason, path, priority, due_at, attempts, failures,
       document_id, number, correlation_id, cause_fact, created_at, changed_at, landed_at
"""

# The guard: the state that the decision was made from, and the lease under which it was made (none for people).
# What waited behind an intent that is done with may be looked at again.
SETTLE: Final[LiteralString] = """
WITH settled AS (
    UPDATE outbound.intent AS i
       SET state = new.state::outbound.intent_state, outcome = new.outcome::outbound.outcome, unsure = new.unsure,
           cause = new.cause, reason = new.reason, path = new.path, due_at = new.due_at, failures = new.failures,
           document_id = new.document_id, number = new.number, changed_at = %(now)s,
           landed_at = CASE WHEN new.state = 'landed' THEN coalesce(i.landed_at, %(now)s) ELSE i.landed_at END
      FROM unnest(%(ids)b::uuid[], %(was)b::text[], %(states)b::text[], %(outcomes)b::text[], %(unsure)b::boolean[],
                  %(causes)b::text[], %(reasons)b::text[], %(paths)b::text[], %(due)b::timestamptz[],
                  %(failures)b::integer[], %(documents)b::text[], %(numbers)b::text[])
           AS new(id, was, state, outcome, unsure, cause, reason, path, due_at, failures, document_id, number)
     WHERE i.id = new.id AND i.state = new.was::outbound.intent_state
       AND (%(token)s::bigint IS NULL OR i.token = %(token)s)
    RETURNING i.id, i.wanted, i.connection, i.business_key, i.state),
freed AS (
    UPDATE outbound.intent AS later SET blocked = false
      FROM settled
     WHERE later.connection = settled.connection AND later.business_key = settled.business_key
       AND later.state = 'pending' AND later.blocked
       AND settled.state IN ('landed', 'superseded', 'withdrawn'))
SELECT id, wanted FROM settled
"""

# Their reason went away while they were on their way.
DROP_UNWANTED: Final[LiteralString] = """
UPDATE outbound.intent
   SET state = CASE WHEN state = 'landed' THEN state ELSE 'withdrawn' END,
       outcome = CASE WHEN state = 'landed' THEN 'to_undo'::outbound.outcome ELSE 'not_wanted' END
 WHERE id = ANY(%(ids)b::uuid[]) AND NOT wanted AND NOT unsure
   AND state IN ('pending', 'parked', 'refused', 'landed')
"""

# Undone by an intent of its own: nobody need look at these any more.
UNDONE: Final[LiteralString] = """
UPDATE outbound.intent SET outcome = 'undone'
 WHERE connection = %(connection)s AND business_key = %(key)s AND kind = ANY(%(kinds)b::text[])
   AND state = 'landed' AND outcome = 'to_undo'
"""

PARK: Final[LiteralString] = """
UPDATE outbound.intent SET state = 'parked', cause = %(cause)s, reason = %(reason)s, changed_at = %(now)s
 WHERE id = ANY(%(ids)b::uuid[]) AND state = 'pending'
"""

SUPERSEDE: Final[LiteralString] = """
UPDATE outbound.intent SET state = 'superseded', outcome = 'not_wanted', changed_at = %(now)s
 WHERE id = ANY(%(ids)b::uuid[]) AND state = ANY(%(from)b::text[]::outbound.intent_state[])
"""

# What a dead holder left behind. Its call may have been made a moment ago, so the settle time runs from now.
RECOVER: Final[LiteralString] = """
WITH abandoned AS (
    SELECT id, state FROM outbound.intent
     WHERE connection = %(connection)s AND state IN ('sending', 'in_doubt') AND id <> ALL(%(own)b::uuid[])
       AND (token <> %(token)s OR state = 'sending')
       FOR UPDATE)
UPDATE outbound.intent AS i
   SET state = 'in_doubt', unsure = true, token = %(token)s, changed_at = %(now)s,
       reason = CASE WHEN abandoned.state = 'sending' THEN 'the sender died before it heard an answer' ELSE reason END,
       due_at = %(now)s::timestamptz + coalesce((SELECT settle.span
                                      FROM unnest(%(kinds)b::text[], %(settles)b::interval[]) AS settle(kind, span)
                                     WHERE settle.kind = i.kind), interval '0')
  FROM abandoned
 WHERE i.id = abandoned.id
RETURNING i.id, i.attempts, abandoned.state = 'sending' AS was_sending
"""

# The other side answers again: what only waited for that goes now. The connection's own budget spreads it.
HASTEN: Final[LiteralString] = """
UPDATE outbound.intent SET due_at = %(now)s
 WHERE connection = %(connection)s AND state = 'pending' AND due_at > %(now)s
"""

SWEEP: Final[LiteralString] = """
UPDATE outbound.intent AS i SET blocked = NOT blocked
 WHERE connection = %(connection)s AND state = 'pending'
   AND blocked <> EXISTS (SELECT FROM outbound.intent AS earlier
                           WHERE earlier.connection = i.connection AND earlier.business_key = i.business_key
                             AND earlier.position < i.position
                             AND earlier.state IN ('pending', 'sending', 'in_doubt', 'parked', 'refused'))
"""

INSERT_ATTEMPTS: Final[LiteralString] = """
INSERT INTO outbound.attempt (id, intent_id, number, purpose, started_at, ended_at, verdict, reason, code)
SELECT id, intent_id, number, purpose::outbound.purpose, started_at, ended_at, verdict::outbound.verdict, reason, code
  FROM unnest(%(ids)b::uuid[], %(intents)b::uuid[], %(numbers)b::integer[], %(purposes)b::text[],
              %(started)b::timestamptz[], %(ended)b::timestamptz[], %(verdicts)b::text[], %(reasons)b::text[],
              %(codes)b::text[])
       AS new(id, intent_id, number, purpose, started_at, ended_at, verdict, reason, code)
    ON CONFLICT (id) DO NOTHING
"""

# What may have been applied is looked for first, never sent blindly.
RELEASE: Final[LiteralString] = """
UPDATE outbound.intent
   SET state = CASE WHEN unsure THEN 'in_doubt'::outbound.intent_state ELSE 'pending' END,
       due_at = %(now)s, failures = 0, changed_at = %(now)s
 WHERE state = 'parked'
   AND (%(cause)s::text IS NULL OR cause = %(cause)s)
   AND (%(connection)s::text IS NULL OR connection = %(connection)s)
   AND (%(id)s::uuid IS NULL OR id = %(id)s)
RETURNING id
"""

SET_DOCUMENT: Final[LiteralString] = """
UPDATE outbound.intent SET document = %(document)s::text::jsonb WHERE id = %(id)s
"""

UNWANT_ONE: Final[LiteralString] = """
UPDATE outbound.intent SET wanted = false, outcome = %(outcome)s::text::outbound.outcome, changed_at = %(now)s
 WHERE id = %(id)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """A decision about an intent that stood in *was* when it was made."""

    id: UUID
    was: IntentState
    decision: Decision


# --- the pump's way ------------------------------------------------------------------------------------------------


async def work_waits(tx: Tx, connection: str, now: datetime) -> bool:
    """Is anything due? It may still wait for an earlier one of its key."""
    return bool(await fetch_value(tx, WORK_WAITS, bool, {"connection": connection, "now": now}))


async def claimable(tx: Tx, connection: str, now: datetime, *, leave: Collection[str], limit: int) -> list[Intent]:
    """What may be begun, best first, locked until the transaction ends."""
    params = {"connection": connection, "now": now, "leave": [str(kind) for kind in leave], "limit": limit}
    return [typed(row) for row in await fetch_all(tx, CLAIMABLE, Intent, params)]


async def mark_sending(tx: Tx, ids: Sequence[UUID], token: int, now: datetime) -> int:
    """Say that a call is about to be made."""
    return await execute(tx, MARK_SENDING, {"ids": ids, "token": token, "now": now})


async def claim_doubts(
    tx: Tx, connection: str, token: int, now: datetime, *, hidden_until: datetime, limit: int
) -> list[Intent]:
    """What is due to be looked for."""
    params = {"connection": connection, "token": token, "now": now, "hidden_until": hidden_until, "limit": limit}
    return [typed(row) for row in await fetch_all(tx, CLAIM_DOUBTS, Intent, params)]


async def settle(tx: Tx, settlings: Sequence[Settling], token: int | None, now: datetime) -> Mapping[UUID, bool]:
    """Write decisions; those that were still ours to make, with whether they are still wanted."""
    decisions = [settling.decision for settling in settlings]
    params = {
        "ids": [settling.id for settling in settlings],
        "was": [settling.was.value for settling in settlings],
        "states": [decision.state.value for decision in decisions],
        "outcomes": [decision.outcome.value for decision in decisions],
        "unsure": [decision.unsure for decision in decisions],
        "causes": [decision.cause for decision in decisions],
        "reasons": [decision.reason for decision in decisions],
        "paths": [decision.path for decision in decisions],
        "due": [decision.due_at for decision in decisions],
        "failures": [decision.failures for decision in decisions],
        "documents": [decision.document_id for decision in decisions],
        "numbers": [decision.number for decision in decisions],
        "token": token,
        "now": now,
    }
    return dict(await fetch_tuples(tx, SETTLE, params))


async def drop_unwanted(tx: Tx, ids: Sequence[UUID]) -> int:
    """Withdraw those that came back although their reason is gone; mark those that landed as to be undone."""
    return await execute(tx, DROP_UNWANTED, {"ids": ids})


async def undone(tx: Tx, connection: str, business_key: str, kinds: Sequence[str]) -> int:
    """What was to be undone has been."""
    return await execute(tx, UNDONE, {"connection": connection, "key": business_key, "kinds": list(kinds)})


async def park(tx: Tx, ids: Sequence[UUID], cause: str, reason: str, now: datetime) -> None:
    """Park what cannot even be begun."""
    await execute(tx, PARK, {"ids": ids, "cause": cause, "reason": reason, "now": now})


async def supersede(tx: Tx, ids: Sequence[UUID], sources: Collection[IntentState], now: datetime) -> None:
    """A newer state is read instead."""
    params = {"ids": ids, "from": [state.value for state in sources], "now": now}
    await execute(tx, SUPERSEDE, params)


async def recover(
    tx: Tx, connection: str, token: int, settles: Mapping[str, timedelta], now: datetime, *, own: Sequence[UUID]
) -> list[tuple[UUID, int, bool]]:
    """Put what another holder left on its way in doubt: id, attempt number, whether it was being sent."""
    params = {
        "connection": connection,
        "token": token,
        "kinds": [str(kind) for kind in settles],
        "settles": list(settles.values()),
        "own": list(own),
        "now": now,
    }
    return [(row[0], row[1], row[2]) for row in await fetch_tuples(tx, RECOVER, params)]


async def hasten(tx: Tx, connection: str, now: datetime) -> int:
    """Let everything that backs off go now."""
    return await execute(tx, HASTEN, {"connection": connection, "now": now})


async def sweep(tx: Tx, connection: str) -> int:
    """Mark what waits behind an earlier intent of its key, and what no longer does; how many changed."""
    return await execute(tx, SWEEP, {"connection": connection})


async def insert_attempts(tx: Tx, attempts: Sequence[Attempt]) -> None:
    """Append tries."""
    params = {
        "ids": [attempt.id for attempt in attempts],
        "intents": [attempt.intent_id for attempt in attempts],
        "numbers": [attempt.number for attempt in attempts],
        "purposes": [attempt.purpose.value for attempt in attempts],
        "started": [attempt.started_at for attempt in attempts],
        "ended": [attempt.ended_at for attempt in attempts],
        "verdicts": [attempt.verdict.value for attempt in attempts],
        "reasons": [attempt.reason for attempt in attempts],
        "codes": [attempt.code for attempt in attempts],
    }
    await execute(tx, INSERT_ATTEMPTS, params)


# --- people's way --------------------------------------------------------------------------------------------------


async def release(
    tx: Tx, now: datetime, *, cause: str | None = None, connection: str | None = None, intent_id: UUID | None = None
) -> list[UUID]:
    """Set parked intents going again."""
    params = {"cause": cause, "connection": connection, "id": intent_id, "now": now}
    return [row[0] for row in await fetch_tuples(tx, RELEASE, params)]


async def set_document(tx: Tx, intent_id: UUID, document: IntentDocument) -> None:
    """Replace what is sent."""
    await execute(tx, SET_DOCUMENT, {"id": intent_id, "document": msgspec.json.encode(document).decode()})


async def unwant_one(tx: Tx, intent_id: UUID, outcome: Outcome, now: datetime) -> None:
    """Say that its reason is gone."""
    await execute(tx, UNWANT_ONE, {"id": intent_id, "outcome": outcome.value, "now": now})
