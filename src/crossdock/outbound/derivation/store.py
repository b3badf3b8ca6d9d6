"""SQL of derivation: new intents, withdrawn ones, and where orders came from."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

import msgspec

from crossdock.foundation.db import Tx, execute, fetch_all, fetch_tuples
from crossdock.outbound.derivation.origins import OrderOrigin
from crossdock.outbound.derivation.rules import Withdrawal
from crossdock.outbound.model import IntentState, Planned

INSERT_INTENTS: Final[LiteralString] = """
INSERT INTO outbound.intent
       (id, kind, connection, flow, reference, business_key, subject, document, state, cause, reason, priority,
        due_at, correlation_id, cause_fact, created_at, changed_at)
SELECT id, kind, connection, flow, reference, business_key, subject, document::jsonb, state::outbound.intent_state,
       cause, reason, priority, %(now)s, correlation_id, cause_fact, %(now)s, %(now)s
  FROM unnest(%(ids)b::uuid[], %(kinds)b::text[], %(connections)b::text[], %(flows)b::text[],
              %(references)b::text[], %(keys)b::text[], %(subjects)b::text[], %(documents)b::text[],
              %(states)b::text[], %(causes)b::text[], %(reasons)b::text[], %(priorities)b::integer[],
              %(correlations)b::uuid[], %(facts)b::uuid[])
       WITH ORDINALITY AS new(id, kind, connection, flow, reference, business_key, subject, document, state, cause,
                              reason, priority, correlation_id, cause_fact, n)
 ORDER BY n
    ON CONFLICT (connection, kind, reference) DO NOTHING
RETURNING id
"""

# What nobody has begun is withdrawn; `from` are the states that the life cycle allows that from.
WITHDRAW: Final[LiteralString] = """
UPDATE outbound.intent
   SET state = 'withdrawn', outcome = 'not_wanted', wanted = false, reason = %(reason)s, changed_at = %(now)s
 WHERE business_key = %(key)s AND (%(reference)s::text = '' OR reference = %(reference)s)
   AND kind = ANY(%(kinds)b::text[])
   AND state = ANY(%(from)b::text[]::outbound.intent_state[]) AND NOT unsure
"""

# What is on its way, or there already, is only marked: it is withdrawn if it turns out not to have been applied.
UNWANT: Final[LiteralString] = """
UPDATE outbound.intent
   SET wanted = false, changed_at = %(now)s,
       outcome = CASE WHEN state = 'landed' THEN 'to_undo'::outbound.outcome ELSE outcome END
 WHERE business_key = %(key)s AND (%(reference)s::text = '' OR reference = %(reference)s)
   AND kind = ANY(%(kinds)b::text[]) AND wanted
   AND (state IN ('sending', 'in_doubt', 'landed') OR unsure)
"""

# Begun: it is over there, or may be, if only as a draft that a try has left behind.
BEGUN: Final[LiteralString] = """
SELECT DISTINCT connection FROM outbound.intent
 WHERE business_key = %(key)s AND kind = %(kind)s AND (attempts > 0 OR state = 'landed')
"""

ORIGINS: Final[LiteralString] = """
SELECT order_id, connection, channel, channel_order_id, total, currency, shipped, cancelled, reduced
  FROM outbound.order_origin WHERE order_id = ANY(%(orders)b::text[])
"""

REMEMBER: Final[LiteralString] = """
INSERT INTO outbound.order_origin
       (order_id, connection, channel, channel_order_id, total, currency, shipped, cancelled, reduced)
SELECT order_id, connection, channel, channel_order_id, total, currency, shipped, cancelled, reduced
  FROM unnest(%(orders)b::text[], %(connections)b::text[], %(channels)b::text[], %(channel_orders)b::text[],
              %(totals)b::numeric[], %(currencies)b::text[], %(shipped)b::boolean[], %(cancelled)b::boolean[],
              %(reduced)b::boolean[])
       AS new(order_id, connection, channel, channel_order_id, total, currency, shipped, cancelled, reduced)
    ON CONFLICT (order_id) DO UPDATE
   SET shipped = excluded.shipped, cancelled = excluded.cancelled, reduced = excluded.reduced
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewIntent:
    """A planned intent with its circumstances, ready to be written."""

    id: UUID
    planned: Planned
    state: IntentState
    cause: str
    correlation_id: UUID
    cause_fact: UUID


async def insert_intents(tx: Tx, intents: Sequence[NewIntent], now: datetime) -> set[UUID]:
    """Write them in order; the ids of those that are new. A reference that is there already stays as it is."""
    params = {
        "ids": [new.id for new in intents],
        "kinds": [new.planned.kind for new in intents],
        "connections": [new.planned.connection for new in intents],
        "flows": [new.planned.flow for new in intents],
        "references": [new.planned.reference for new in intents],
        "keys": [new.planned.business_key for new in intents],
        "subjects": [new.planned.subject for new in intents],
        "documents": [
            None if new.planned.document is None else msgspec.json.encode(new.planned.document).decode()
            for new in intents
        ],
        "states": [new.state.value for new in intents],
        "causes": [new.cause for new in intents],
        "reasons": [new.planned.problem for new in intents],
        "priorities": [new.planned.priority for new in intents],
        "correlations": [new.correlation_id for new in intents],
        "facts": [new.cause_fact for new in intents],
        "now": now,
    }
    return {row[0] for row in await fetch_tuples(tx, INSERT_INTENTS, params)}


async def withdraw(tx: Tx, withdrawal: Withdrawal, sources: Collection[IntentState], now: datetime) -> int:
    """Withdraw what has not begun, mark what has; how many were touched."""
    params = {
        "key": withdrawal.business_key,
        "reference": withdrawal.reference,
        "kinds": [kind.value for kind in withdrawal.kinds],
        "reason": withdrawal.reason,
        "from": [state.value for state in sources],
        "now": now,
    }
    return await execute(tx, WITHDRAW, params) + await execute(tx, UNWANT, params)


async def begun(tx: Tx, business_key: str, kind: str) -> set[str]:
    """Connections over which an intent of this kind was begun for the key."""
    return {row[0] for row in await fetch_tuples(tx, BEGUN, {"key": business_key, "kind": kind})}


async def origins(tx: Tx, orders: Collection[str]) -> dict[str, OrderOrigin]:
    """What is known of these orders."""
    rows = await fetch_all(tx, ORIGINS, OrderOrigin, {"orders": list(orders)})
    return {row.order_id: row for row in rows}


async def remember(tx: Tx, known: Sequence[OrderOrigin]) -> None:
    """Keep what is known of orders."""
    params = {
        "orders": [origin.order_id for origin in known],
        "connections": [origin.connection for origin in known],
        "channels": [origin.channel for origin in known],
        "channel_orders": [origin.channel_order_id for origin in known],
        "totals": [origin.total for origin in known],
        "currencies": [origin.currency for origin in known],
        "shipped": [origin.shipped for origin in known],
        "cancelled": [origin.cancelled for origin in known],
        "reduced": [origin.reduced for origin in known],
    }
    await execute(tx, REMEMBER, params)
