"""Idempotency-Key: the same key and body get the same answer, decided in the transaction of the effect.

Source: IETF draft-ietf-httpapi-idempotency-key-header-07 (409 while in flight, 422 when the body differs).
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from crossdock.foundation.db import Tx
from crossdock.gateway import store
from crossdock.gateway.asgi import Answer, Request
from crossdock.gateway.problems import Problem


@dataclass(frozen=True, slots=True)
class Claim:
    """A key that a request brought, with the digest of what it asked for."""

    api_key: UUID
    key: str
    digest: bytes

    @property
    def name(self) -> tuple[UUID, str]:
        """What is unique about it."""
        return self.api_key, self.key


def claim_of(request: Request) -> Claim | None:
    """The request's claim; None without an Idempotency-Key. Another route with the same key is another request."""
    key = request.idempotency_key
    if key is None:
        return None
    digest = hashlib.sha256(request.path.encode() + b"\0" + request.body).digest()
    return Claim(request.caller.id, key, digest)


async def take(tx: Tx, claims: Sequence[Claim], *, now: datetime) -> Mapping[Claim, Answer | Problem]:
    """Take the claims for this transaction; what those get that were answered before. A claim not in the result is free.

    A concurrent transaction with the same key is waited for: it decides first, and its answer is returned here.
    """
    wanted = sorted({claim.name: claim for claim in claims}.values(), key=lambda claim: claim.name)
    if not wanted:
        return {}
    api_keys, keys = [claim.api_key for claim in wanted], [claim.key for claim in wanted]
    free = await store.claim_answers(tx, api_keys, keys, [claim.digest for claim in wanted], now)
    taken = [claim for claim in wanted if claim.name not in free]
    first = {claim.name: claim for claim in wanted if claim.name in free}
    known: dict[Claim, Answer | Problem] = {}
    if taken:
        rows = await store.kept_answers(tx, [claim.api_key for claim in taken], [claim.key for claim in taken])
        kept = {(row.api_key, row.key): row for row in rows}
        for claim in claims:
            row = kept.get(claim.name)
            if row is not None:
                known[claim] = _repeated(claim, row)
    for claim in claims:
        if claim.name in first and claim.digest != first[claim.name].digest:
            known[claim] = Problem("key-reused")
    return known


def _repeated(claim: Claim, row: store.KeptAnswer) -> Answer | Problem:
    if bytes(row.digest) != claim.digest:
        return Problem("key-reused")
    if row.status == 0:
        return Problem("request-in-flight", headers={"Retry-After": "1"})
    return Answer(status=row.status, body=bytes(row.answer), headers={"Idempotency-Replayed": "true"})


async def keep(tx: Tx, answers: Sequence[tuple[Claim, Answer]]) -> None:
    """Remember what free claims were answered, in the transaction of the effect."""
    if answers:
        await store.keep_answers(
            tx,
            [claim.api_key for claim, _ in answers],
            [claim.key for claim, _ in answers],
            [answer.status for _, answer in answers],
            [answer.body for _, answer in answers],
        )
