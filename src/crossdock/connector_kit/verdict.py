"""How a call to another system ended, and what that allows us to do next."""

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from typing import Final

import aiohttp


class Verdict(Enum):
    """Of one attempt. Only `NOT_SENT` and `THROTTLED` may be sent again without looking first."""

    NOT_SENT = "safe to send again"
    UNKNOWN = "may have been applied: look before sending again"
    REFUSED = "sending it again cannot help"
    THROTTLED = "not now: wait, then send again"
    BROKEN = "our configuration or credentials: stop the connection, call a human"


class CallFailed(Exception):  # noqa: N818 (reads as what happened: `except CallFailed`)
    """A foreign failure with its verdict. `reason` is for people; `path` names the field where the other side did."""

    def __init__(
        self, verdict: Verdict, reason: str, *, path: str = "", retry_after: timedelta | None = None, code: str = ""
    ) -> None:
        super().__init__(f"{verdict.name.lower()}: {reason}")
        self.verdict = verdict
        self.reason = reason
        self.path = path
        self.retry_after = retry_after
        self.code = code


class LookupMissing(Exception):  # noqa: N818
    """The estate's lookup *table* has no entry for *code*: the intent is parked until somebody adds it."""

    def __init__(self, table: str, code: str) -> None:
        super().__init__(f'lookup "{table}" has no entry for "{code}"')
        self.table = table
        self.code = code


class Unmatched(Exception):  # noqa: N818
    """No identity of *kind* links our *code* to the other system's (or the reverse): parked until it is matched."""

    def __init__(self, kind: str, code: str) -> None:
        super().__init__(f'{kind} "{code}" is not matched')
        self.kind = kind
        self.code = code


BY_ERROR: Final[Mapping[type[BaseException], Verdict]] = {
    aiohttp.ClientConnectorError: Verdict.NOT_SENT,
    aiohttp.ConnectionTimeoutError: Verdict.NOT_SENT,
    aiohttp.InvalidURL: Verdict.BROKEN,
    aiohttp.ClientConnectorCertificateError: Verdict.BROKEN,
    aiohttp.ClientError: Verdict.UNKNOWN,
}


def verdict_of(error: BaseException) -> Verdict:
    """The verdict of a transport error; what is not listed may have been applied."""
    return next((BY_ERROR[kind] for kind in type(error).__mro__ if kind in BY_ERROR), Verdict.UNKNOWN)


THROTTLING: Final = frozenset({429, 430})
CREDENTIALS: Final = frozenset({401, 402, 403, 407, 423})


def verdict_of_status(status: int) -> Verdict | None:
    """The usual meaning of an HTTP status for a write; None below 400. Connectors override rows, not the flow.

    5xx is UNKNOWN: a gateway may time out after the server has committed. 503 too, unless the vendor says otherwise.
    """
    if status < 400:  # noqa: PLR2004 (the HTTP classes)
        return None
    if status in THROTTLING:
        return Verdict.THROTTLED
    if status in CREDENTIALS:
        return Verdict.BROKEN
    if status in {408, 425} or status >= 500:  # noqa: PLR2004
        return Verdict.UNKNOWN
    return Verdict.REFUSED
