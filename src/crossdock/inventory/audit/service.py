"""Prove that counters, ledger and claims agree, or say exactly where they do not."""

from collections.abc import Sequence
from typing import Final

from crossdock.foundation.db import Tx
from crossdock.inventory.audit import store
from crossdock.inventory.model import Difference

CHECKS: Final = (
    ("counter = Σ ledger", store.counters),
    ("claimed units = Σ open claims", store.claimed),
    ("on order and in transit = Σ open lines", store.expected),
    ("claim = Σ its ledger rows", store.claim_ends),
    ("short = promises beyond goods", store.promises),
    ("dated claims stand on receipts, backorders within their limit", store.waiting),
    ("only the floor raises short", store.oversold),
    ("each balance follows from the last", store.chain),
)


async def audit(tx: Tx, *, limit: int = 100) -> Sequence[Difference]:
    """Every disagreement, at most *limit* per check; nothing when all is well.

    Each check is one statement, so it sees one moment even while others write.
    """
    return [
        Difference(name, sku, location, condition, subject, expected, found)
        for name, check in CHECKS
        for sku, location, condition, subject, expected, found in await check(tx, limit=limit)
    ]
