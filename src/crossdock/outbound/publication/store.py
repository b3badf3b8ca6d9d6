"""SQL of publications: a row per batch, and an intent for a subject that needs a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

import msgspec

from crossdock.foundation.db import Tx, execute, fetch_all, fetch_tuples
from crossdock.outbound.model import Freshness, IntentState, Outcome, StateItem, Verdict

INSERT_PUBLICATION: Final[LiteralString] = """
INSERT INTO outbound.publication
       (id, connection, kind, started_at, ended_at, verdict, reason, sent, confirmed, stale, refused, freshness_ms)
VALUES (%(id)s, %(connection)s, %(kind)s, %(started_at)s, %(ended_at)s, %(verdict)s::text::outbound.verdict,
        %(reason)s, %(sent)s, %(confirmed)s, %(stale)s, %(refused)s, %(freshness_ms)s::integer[])
"""

# Subjects that wait for a person are not tried with every newer state: the cause would be the same.
KEPT_SUBJECTS: Final[LiteralString] = """
SELECT subject FROM outbound.intent
 WHERE connection = %(connection)s AND kind = %(kind)s AND state IN ('parked', 'refused')
   AND business_key = ANY(%(keys)b::text[])
"""

INSERT_KEPT: Final[LiteralString] = """
INSERT INTO outbound.intent
       (id, kind, connection, flow, reference, business_key, subject, document, state, outcome, cause, reason, path,
        priority, due_at, correlation_id, created_at, changed_at)
VALUES (%(id)s, %(kind)s, %(connection)s, %(flow)s, %(reference)s, %(key)s, %(subject)s, %(document)s::text::jsonb,
        %(state)s::text::outbound.intent_state, %(outcome)s::text::outbound.outcome, %(cause)s, %(reason)s, %(path)s,
        %(priority)s, %(now)s, %(id)s, %(now)s, %(now)s)
    ON CONFLICT (connection, kind, reference) DO NOTHING
RETURNING id
"""

FRESHNESS: Final[LiteralString] = """
SELECT connection, kind, count(*) AS confirmed,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::float8 AS p50_ms,
       percentile_cont(0.99) WITHIN GROUP (ORDER BY ms)::float8 AS p99_ms, max(ms)::float8 AS max_ms
  FROM outbound.publication, unnest(freshness_ms) AS ms
 WHERE id >= %(since)s
 GROUP BY connection, kind
 ORDER BY connection, kind
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """One batch as it ended."""

    id: UUID
    connection: str
    kind: str
    started_at: datetime
    ended_at: datetime
    verdict: Verdict
    reason: str
    sent: int
    confirmed: int
    stale: int
    refused: int
    freshness_ms: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A subject that needs a person before it can be published again."""

    id: UUID
    connection: str
    flow: str
    priority: int
    item: StateItem
    state: IntentState
    outcome: Outcome
    cause: str
    reason: str
    path: str


async def insert_publication(tx: Tx, publication: Publication) -> None:
    """Append one batch."""
    params = {name: getattr(publication, name) for name in Publication.__slots__}
    params |= {"verdict": publication.verdict.value, "freshness_ms": list(publication.freshness_ms)}
    await execute(tx, INSERT_PUBLICATION, params)


async def kept_subjects(tx: Tx, connection: str, kind: str, subjects: Sequence[str]) -> set[str]:
    """Those of *subjects* that wait for a person."""
    params = {"connection": connection, "kind": kind, "keys": [key_of(kind, subject) for subject in subjects]}
    return {row[0] for row in await fetch_tuples(tx, KEPT_SUBJECTS, params)}


async def insert_kept(tx: Tx, kept: Kept, now: datetime) -> bool:
    """Write it down; False when this very state is kept already."""
    document = kept.item.document
    kind = str(document.__struct_config__.tag)
    params = {
        "id": kept.id,
        "kind": kind,
        "connection": kept.connection,
        "flow": kept.flow,
        "reference": document.reference,
        "key": key_of(kind, kept.item.subject),
        "subject": kept.item.subject,
        "document": msgspec.json.encode(document).decode(),
        "state": kept.state.value,
        "outcome": kept.outcome.value,
        "cause": kept.cause,
        "reason": kept.reason,
        "path": kept.path,
        "priority": kept.priority,
        "now": now,
    }
    return bool(await fetch_tuples(tx, INSERT_KEPT, params))


async def freshness(tx: Tx, since: UUID) -> list[Freshness]:
    """From change to confirmation, over batches from *since* (an id floor) on."""
    return await fetch_all(tx, FRESHNESS, Freshness, {"since": since})


def key_of(kind: str, subject: str) -> str:
    """The business key of a kept subject."""
    return f"{kind}/{subject}"
