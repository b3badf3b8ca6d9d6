"""How a run of facts becomes a hash: every column, in commit order, chained to the seal before."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

from crossdock.eventlog.sealing.model import Leaving, Seal, SealedRow, Standing

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


def seals_hash(seals: Iterable[Seal]) -> bytes:
    """Over a run of seals, as evidence of what a dropped month held."""
    digest = hashlib.sha256()
    for seal in seals:
        digest.update(f"{seal.number}:{seal.events}:{bytes(seal.hash).hex()};".encode())
    return digest.digest()


def dropped_hash(before: bytes, leaving: Leaving) -> bytes:
    """Of a dropped month, chained to the one dropped before it."""
    digest = hashlib.sha256(before)
    digest.update(f"{leaving.month}:{leaving.facts}:{leaving.first_seal}:{leaving.last_seal};".encode())
    digest.update(leaving.seals)
    for kept in leaving.kept:
        digest.update(f"{kept.seal}:{kept.facts}:{bytes(kept.hash).hex()};".encode())
    return digest.digest()


def fault(seal: Standing, before: bytes, rows: Sequence[SealedRow]) -> str:
    """What is wrong with the facts found in a seal's place; empty when they are what was written, or what was left."""
    wanted = seal.events if seal.dropped is None else (seal.kept or 0)
    left = "" if seal.dropped is None else " that a dropped month has left"
    if len(rows) > wanted:
        return f"there are more than its {wanted} facts{left}"
    if len(rows) < wanted:
        return f"{wanted - len(rows)} of its {wanted} facts{left} are not there"
    hashed = seal.hash if seal.dropped is None else (seal.kept_hash or b"")
    if wanted and seal_hash(before, rows) != bytes(hashed):
        return "a fact in it is not what was written"
    return ""
