"""Answers that say no: RFC 9457 problem documents, each naming the field and what to do."""

from collections.abc import Mapping
from typing import Final

import msgspec

PROBLEM_BASE: Final = "https://crossdock.dev/problems/"
CONTENT_TYPE: Final = b"application/problem+json"


class FieldProblem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong in the body."""

    path: str
    reason: str


class ProblemBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 9457 document."""

    type: str
    title: str
    status: int
    detail: str = ""
    instance: str = ""
    errors: tuple[FieldProblem, ...] = ()


class Problem(Exception):  # noqa: N818 (it is the answer, not an accident)
    """Raised by a handler to answer with a problem document."""

    def __init__(
        self,
        kind: str,
        detail: str = "",
        *,
        errors: tuple[FieldProblem, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}

    @property
    def status(self) -> int:
        """Its HTTP status."""
        return KINDS[self.kind][0]

    def body(self, instance: str = "") -> bytes:
        """The document."""
        status, title = KINDS[self.kind]
        return msgspec.json.encode(
            ProblemBody(
                type=PROBLEM_BASE + self.kind,
                title=title,
                status=status,
                detail=self.detail,
                instance=instance,
                errors=self.errors,
            )
        )


KINDS: Final[Mapping[str, tuple[int, str]]] = {
    "unauthenticated": (401, "Send a valid API key as `Authorization: Bearer …`"),
    "forbidden": (403, "This API key lacks the scope for that"),
    "not-found": (404, "There is nothing here"),
    "method-not-allowed": (405, "This method is not available here"),
    "conflict": (409, "This contradicts what is already there"),
    "out-of-stock": (409, "Not enough stock"),
    "request-in-flight": (409, "A request with this Idempotency-Key is being worked on"),
    "expired": (409, "The hold has expired"),
    "too-large": (413, "The request is larger than this route accepts"),
    "unsupported-media-type": (415, "Send application/json"),
    "invalid": (422, "The request does not fit the schema"),
    "key-reused": (422, "This Idempotency-Key was used with another request"),
    "too-many-requests": (429, "Too many requests"),
    "bad-signature": (401, "The signature does not match"),
    "internal": (500, "An error of ours; nothing was accepted"),
    "overloaded": (503, "Too much is waiting; try again shortly"),
    "database-unavailable": (503, "The database does not answer; nothing was accepted"),
}
"""Every problem the API can answer, by the last part of its type."""
