"""Answers that say no: RFC 9457 problem documents, each naming the field and what to do."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec

PROBLEM_BASE: Final = "https://crossdock.dev/problems/"
CONTENT_TYPE: Final = b"application/problem+json"


class FieldProblem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong in the body."""

    path: str
    reason: str


class Shortfall(msgspec.Struct, frozen=True, kw_only=True):
    """Units that could not be had."""

    sku: str
    wanted: Decimal
    available: Decimal
    """How many of them there were."""


class ProblemBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 9457 document."""

    type: str
    title: str
    status: int
    detail: str = ""
    instance: str = ""
    errors: tuple[FieldProblem, ...] = ()
    shortages: tuple[Shortfall, ...] = ()


class Problem(Exception):  # noqa: N818 (it is the answer, not an accident)
    """Raised by a handler to answer with a problem document."""

    def __init__(
        self,
        kind: str,
        detail: str = "",
        *,
        errors: tuple[FieldProblem, ...] = (),
        headers: Mapping[str, str] | None = None,
        shortages: tuple[Shortfall, ...] = (),
    ) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}
        self.shortages = shortages

    @property
    def status(self) -> int:
        """Its HTTP status."""
        return KINDS[self.kind][0]

    @property
    def title(self) -> str:
        """What is wrong, in general."""
        return KINDS[self.kind][1]

    def below(self, path: str) -> "Problem":
        """The same problem of a part, its paths made those of the whole: `$.lines` below `$.orders[2]`."""
        errors = tuple(
            FieldProblem(path=path + error.path.removeprefix("$"), reason=error.reason) for error in self.errors
        )
        return Problem(self.kind, self.detail, errors=errors, headers=self.headers, shortages=self.shortages)

    def document(self, instance: str = "") -> ProblemBody:
        """The document, for answers that hold several."""
        status, title = KINDS[self.kind]
        return ProblemBody(
            type=PROBLEM_BASE + self.kind,
            title=title,
            status=status,
            detail=self.detail,
            instance=instance,
            errors=self.errors,
            shortages=self.shortages,
        )

    def body(self, instance: str = "") -> bytes:
        """The document, encoded."""
        return msgspec.json.encode(self.document(instance))


KINDS: Final[Mapping[str, tuple[int, str]]] = {
    "malformed": (400, "This is not JSON"),
    "unauthenticated": (401, "Send a valid API key as `Authorization: Bearer …`"),
    "forbidden": (403, "This API key lacks the scope for that"),
    "not-found": (404, "There is nothing here"),
    "method-not-allowed": (405, "This method is not available here"),
    "conflict": (409, "This contradicts what is already there"),
    "out-of-stock": (409, "Not enough stock"),
    "timeout": (408, "The request did not come in time"),
    "expired": (409, "The hold has expired; its units may be somebody else's"),
    "too-large": (413, "The request is larger than this route accepts"),
    "unsupported-media-type": (415, "This route does not take a body of that kind"),
    "invalid": (422, "The request does not fit the schema"),
    "key-reused": (422, "This Idempotency-Key was used with another request"),
    "reservation-key-reused": (422, "This reservation key was used for other units"),
    "reference-reused": (409, "This reference stands for something else already"),
    "bad-signature": (401, "The signature does not match"),
    "internal": (500, "An error of ours; nothing was accepted"),
    "overloaded": (503, "Too much is waiting; nothing was accepted, try again shortly"),
    "database-unavailable": (503, "The database does not answer; send the same request again, it is taken once"),
    "connection-unusable": (503, "This connection is not set up completely; the reason is in the hub's log"),
    "no-estate": (503, "No estate has been applied yet"),
}
"""Every problem the API can answer, by the last part of its type."""
