"""How a run of facts becomes a hash: every column, in commit order, chained to the seal before."""

import hashlib
from collections.abc import Iterable
from typing import Final

from crossdock.eventlog.sealing.model import Seal, SealedRow

FIRST: Final = bytes(32)
BEGINNING: Final = Seal(number=0, xid=0, position=-(2**63), events=0, hash=FIRST)
"""Before the first seal, and before any place that a row could have."""


def seal_hash(before: bytes, rows: Iterable[SealedRow]) -> bytes:
    """SHA-256 over the seal before and every fact, each field with its length so that none can slip into another."""
    digest = hashlib.sha256(before)
    for row in rows:
        for field in row:
            content = field.encode()
            digest.update(len(content).to_bytes(8, "big"))
            digest.update(content)
    return digest.digest()
