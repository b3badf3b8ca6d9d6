"""Idempotency-Key: the same key and body get the same answer, kept in the transaction of the effect.

Source: IETF draft-ietf-httpapi-idempotency-key-header-07 (422 when the body differs). A request that is still being
worked on is waited for; the draft's 409 is never needed.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

import msgspec

from crossdock.foundation.db import Tx
from crossdock.foundation.vault import Vault
from crossdock.gateway import store
from crossdock.gateway.asgi import Answer, Request
from crossdock.gateway.problems import Problem


class KeyTakenMeanwhileError(Exception):
    """Another process answered the same key while we decided: nothing of ours was committed, look again."""


Name: TypeAlias = tuple[int, str]
"""What is unique about a claim, quick to compare."""


class Claim(msgspec.Struct, frozen=True):
    """A key that a request brought, with the digest of what it asked for."""

    api_key: UUID
    key: str
    digest: bytes

    @property
    def name(self) -> Name:
        """What is unique about it."""
        return self.api_key.int, self.key


def claim_of(request: Request, vault: Vault) -> Claim | None:
    """The request's claim; None without an Idempotency-Key. Another route with the same key is another request.

    The digest is keyed: it outlives what the request said, and must not let anybody try guesses of it.
    """
    key = request.idempotency_key
    if key is None:
        return None
    digest = vault.mark(request.path.encode() + b"\0" + request.body)
    return Claim(request.caller.id, key, digest)


async def known(tx: Tx, claims: Collection[Claim]) -> Mapping[Name, store.KeptAnswer]:
    """What the claims' keys were answered before."""
    rows = await store.kept_answers(tx, [claim.api_key for claim in claims], [claim.key for claim in claims])
    return {(row.api_key.int, row.key): row for row in rows}


def repeated(claim: Claim, row: store.KeptAnswer) -> Answer | Problem:
    """The answer again; a no when the key stands for something else."""
    if bytes(row.digest) != claim.digest:
        return Problem("key-reused")
    body = bytes(row.answer)
    headers = {"Idempotency-Replayed": "true"}
    place = _PLACE.decode(body).href
    if place:
        headers["Location"] = place
    return Answer(status=row.status, body=body, headers=headers)


class _Placed(msgspec.Struct, frozen=True):
    """The part of any answer that its headers repeat."""

    href: str = ""


_PLACE: Final = msgspec.json.Decoder(_Placed)


async def keep(tx: Tx, answers: Sequence[tuple[Claim, Answer]], *, now: datetime) -> None:
    """Remember what claims were answered, in the transaction of the effect.

    Whatever is asked for has a key of its own as well (an order's, a movement's, a reservation's), so that two
    processes deciding the same request at once do it once; here the second one notices and takes the first one's answer.
    """
    ordered = sorted(answers, key=lambda pair: pair[0].name)
    if not ordered:
        return
    kept = await store.keep_answers(
        tx,
        api_keys=[claim.api_key for claim, _ in ordered],
        keys=[claim.key for claim, _ in ordered],
        digests=[claim.digest for claim, _ in ordered],
        statuses=[answer.status for _, answer in ordered],
        answers=[answer.body for _, answer in ordered],
        now=now,
    )
    if kept < len(ordered):
        raise KeyTakenMeanwhileError
