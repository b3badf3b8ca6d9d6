"""SQL of receipts. Store days and gaps have a store of their own."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, LiteralString

import msgspec

from crossdock.finance.model import Entry, ReceiptKey, StoredReceipt
from crossdock.foundation.db import Tx, fetch_all, fetch_tuples

INSERT: Final[LiteralString] = """
INSERT INTO finance.receipt
       (store, till, business_day, sequence, id, kind, currency, total, tendered, fingerprint, document, closing,
        connection, trace, ended_at, recorded_at)
SELECT store, till, business_day, sequence, id, kind, currency, total, tendered, fingerprint, document::jsonb, closing,
       connection, trace, ended_at, %(now)s
  FROM unnest(%(stores)b::text[], %(tills)b::text[], %(days)b::date[], %(sequences)b::bigint[], %(ids)b::uuid[],
              %(kinds)b::text[], %(currencies)b::text[], %(totals)b::numeric[], %(tendered)b::numeric[],
              %(fingerprints)b::bytea[], %(documents)b::text[], %(closings)b::int[], %(connections)b::text[],
              %(traces)b::uuid[], %(ended_at)b::timestamptz[])
       AS new(store, till, business_day, sequence, id, kind, currency, total, tendered, fingerprint, document, closing,
              connection, trace, ended_at)
 ORDER BY store, till, business_day, sequence
    ON CONFLICT (store, till, business_day, sequence) DO NOTHING
RETURNING store, till, business_day, sequence
"""

# A number that was given up, or used by a control, may be finished later; nothing else is ever changed.
FINISH: Final[LiteralString] = """
UPDATE finance.receipt
   SET id = new.id, kind = new.kind, currency = new.currency, total = new.total, tendered = new.tendered,
       fingerprint = new.fingerprint, document = new.document::jsonb, closing = new.closing,
       connection = new.connection, trace = new.trace, ended_at = new.ended_at, recorded_at = %(now)s
  FROM unnest(%(stores)b::text[], %(tills)b::text[], %(days)b::date[], %(sequences)b::bigint[], %(ids)b::uuid[],
              %(kinds)b::text[], %(currencies)b::text[], %(totals)b::numeric[], %(tendered)b::numeric[],
              %(fingerprints)b::bytea[], %(documents)b::text[], %(closings)b::int[], %(connections)b::text[],
              %(traces)b::uuid[], %(ended_at)b::timestamptz[])
       AS new(store, till, business_day, sequence, id, kind, currency, total, tendered, fingerprint, document, closing,
              connection, trace, ended_at)
 WHERE receipt.store = new.store
   AND receipt.till = new.till
   AND receipt.business_day = new.business_day
   AND receipt.sequence = new.sequence
   AND receipt.kind NOT IN ('sale', 'void')
RETURNING receipt.store, receipt.till, receipt.business_day, receipt.sequence
"""

FIND: Final[LiteralString] = """
SELECT receipt.store, receipt.till, receipt.business_day, receipt.sequence, receipt.id, receipt.kind, receipt.total,
       receipt.tendered, receipt.currency, receipt.fingerprint, receipt.document, receipt.closing
  FROM unnest(%(stores)b::text[], %(tills)b::text[], %(days)b::date[], %(sequences)b::bigint[])
       AS wanted(store, till, business_day, sequence)
  JOIN finance.receipt USING (store, till, business_day, sequence)
"""

CLAIM_VOID: Final[LiteralString] = """
INSERT INTO finance.void (store, till, business_day, sequence, by_store, by_till, by_business_day, by_sequence)
SELECT store, till, business_day, sequence, by_store, by_till, by_business_day, by_sequence
  FROM unnest(%(stores)b::text[], %(tills)b::text[], %(days)b::date[], %(sequences)b::bigint[],
              %(by_stores)b::text[], %(by_tills)b::text[], %(by_days)b::date[], %(by_sequences)b::bigint[])
       AS new(store, till, business_day, sequence, by_store, by_till, by_business_day, by_sequence)
 ORDER BY store, till, business_day, sequence
    ON CONFLICT DO NOTHING
RETURNING by_store, by_till, by_business_day, by_sequence
"""


def key_arrays(keys: Sequence[ReceiptKey], prefix: str = "") -> Mapping[str, object]:
    """Natural keys as arrays to bind."""
    return {
        f"{prefix}stores": [key.store for key in keys],
        f"{prefix}tills": [key.till for key in keys],
        f"{prefix}days": [key.business_day for key in keys],
        f"{prefix}sequences": [key.sequence for key in keys],
    }


def _arrays(entries: Sequence[Entry], now: datetime) -> Mapping[str, object]:
    return {
        **key_arrays([entry.key for entry in entries]),
        "ids": [entry.id for entry in entries],
        "kinds": [entry.kind for entry in entries],
        "currencies": [entry.currency for entry in entries],
        "totals": [entry.total for entry in entries],
        "tendered": [entry.tendered for entry in entries],
        "fingerprints": [entry.fingerprint for entry in entries],
        "documents": [msgspec.json.encode(entry.document).decode() for entry in entries],
        "closings": [entry.closing for entry in entries],
        "connections": [entry.connection for entry in entries],
        "traces": [entry.trace for entry in entries],
        "ended_at": [entry.ended_at for entry in entries],
        "now": now,
    }


async def insert(tx: Tx, entries: Sequence[Entry], now: datetime) -> set[ReceiptKey]:
    """Write receipts; the keys that were not there before."""
    return {ReceiptKey(*row) for row in await fetch_tuples(tx, INSERT, _arrays(entries, now))}


async def finish(tx: Tx, entries: Sequence[Entry], now: datetime) -> set[ReceiptKey]:
    """Put receipts in the place of numbers that posted nothing; the keys that were."""
    return {ReceiptKey(*row) for row in await fetch_tuples(tx, FINISH, _arrays(entries, now))}


async def find(tx: Tx, keys: Sequence[ReceiptKey]) -> Mapping[ReceiptKey, StoredReceipt]:
    """Receipts by natural key."""
    rows = await fetch_all(tx, FIND, StoredReceipt, key_arrays(keys))
    return {row.key: row for row in rows}


async def claim_voids(tx: Tx, originals: Sequence[ReceiptKey], voids: Sequence[ReceiptKey]) -> set[ReceiptKey]:
    """Take receipts back, each by the void at the same place; the voids that were first."""
    params = {**key_arrays(originals), **key_arrays(voids, "by_")}
    return {ReceiptKey(*row) for row in await fetch_tuples(tx, CLAIM_VOID, params)}
