"""Calls to Admin GraphQL: token, points, and the three layers in which the vendor says no, each turned into a verdict."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

import msgspec

from crossdock.connector_kit.http import Response
from crossdock.connector_kit.record import Record, Undecodable
from crossdock.connector_kit.session import Session
from crossdock.connector_kit.verdict import CallFailed, Verdict, verdict_of_status

API_VERSION: Final = "2026-10"
PATH: Final = f"/admin/api/{API_VERSION}/graphql.json"
TOKEN_PATH: Final = "/admin/oauth/access_token"  # noqa: S105 (an address)
TOKEN: Final = "access_token"  # noqa: S105 (a setting's name)
TOKEN_UNTIL: Final = "access_token_until"  # noqa: S105 (a memory entry's name)
TOKEN_MARGIN: Final = timedelta(minutes=5)
POINTS_PER_S_FALLBACK: Final = Decimal(50)
WAIT_S_MAX: Final = Decimal(60)
SHOWN: Final = 300

BY_CODE: Final[Mapping[str, Verdict]] = {
    "THROTTLED": Verdict.THROTTLED,
    "ACCESS_DENIED": Verdict.BROKEN,
    "SHOP_INACTIVE": Verdict.BROKEN,
    "INTERNAL_SERVER_ERROR": Verdict.UNKNOWN,
    "TIMEOUT": Verdict.UNKNOWN,
    "MAX_COST_EXCEEDED": Verdict.REFUSED,
    "BAD_REQUEST": Verdict.REFUSED,
    "INVALID_FIELD_ARGUMENTS": Verdict.REFUSED,
}
"""Top-level errors. What is not listed was refused if the answer bears no data, and may have been applied if it does."""
BY_STATUS: Final[Mapping[int, Verdict]] = {
    HTTPStatus.NOT_FOUND: Verdict.BROKEN,
    HTTPStatus.BAD_REQUEST: Verdict.REFUSED,
}
"""Where the vendor's HTTP statuses mean something else than usual: 404 is a wrong shop or a dead version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A GraphQL answer whose data can be used."""

    data: Record
    raw: bytes
    version: str
    """The API version that answered; an expired one is served by another, silently."""


async def read(session: Session, document: str, variables: Mapping[str, object], *, points: float) -> Answer:
    """A query. It changes nothing, so whatever stayed unclear counts as not sent."""
    try:
        return await _call(session, document, variables, points)
    except CallFailed as failed:
        if failed.verdict is not Verdict.UNKNOWN:
            raise
        raise CallFailed(Verdict.NOT_SENT, failed.reason, path=failed.path, code=failed.code) from failed


async def write(session: Session, document: str, variables: Mapping[str, object], *, points: float) -> Answer:
    """A mutation. UNKNOWN means that it may have been applied."""
    return await _call(session, document, variables, points)


async def _call(session: Session, document: str, variables: Mapping[str, object], points: float) -> Answer:
    headers = {"Content-Type": "application/json", "X-Shopify-Access-Token": await _token(session)}
    body = msgspec.json.encode({"query": document, "variables": variables})
    response = await session.http.send("POST", PATH, body=body, headers=headers, points=points)
    if response.status != HTTPStatus.OK:
        raise _failed_status(session, response)
    with drift_means(Verdict.UNKNOWN):
        answer = Record.parse(response.body)
        _report_points(session, answer)
        _raise_errors(answer)
        data = answer.one("data")
    version = response.headers.get("x-shopify-api-version", API_VERSION)
    return Answer(data=data, raw=response.body, version=version)


async def _token(session: Session) -> str:
    """The configured token, or one minted from client id and secret and kept until shortly before it ends."""
    if session.settings[TOKEN]:
        return session.settings[TOKEN]
    now = session.clock.now()
    held, until = session.memory.get(TOKEN), session.memory.get(TOKEN_UNTIL)
    if held and until and now < datetime.fromisoformat(until) - TOKEN_MARGIN:
        return held
    form = {
        "grant_type": "client_credentials",
        "client_id": session.settings["client_id"],
        "client_secret": session.settings["client_secret"],
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    response = await session.http.send("POST", TOKEN_PATH, body=urlencode(form).encode(), headers=headers)
    if response.status != HTTPStatus.OK:
        verdict = verdict_of_status(response.status) or Verdict.BROKEN
        verdict = Verdict.NOT_SENT if verdict is Verdict.UNKNOWN else verdict
        verdict = Verdict.BROKEN if verdict is Verdict.REFUSED else verdict
        raise CallFailed(verdict, f"no access token: HTTP {response.status}", retry_after=_retry_after(response))
    with drift_means(Verdict.BROKEN):
        granted = Record.parse(response.body)
        token, life = granted.text("access_token"), timedelta(seconds=granted.whole("expires_in"))
    session.memory.update({TOKEN: token, TOKEN_UNTIL: (now + life).isoformat()})
    return token


def _failed_status(session: Session, response: Response) -> CallFailed:
    if response.status == HTTPStatus.UNAUTHORIZED and session.memory.pop(TOKEN, ""):
        return CallFailed(
            Verdict.NOT_SENT, "the minted access token is not valid any more; the next call mints another"
        )
    verdict = BY_STATUS.get(response.status) or verdict_of_status(response.status) or Verdict.UNKNOWN
    text = response.body[:SHOWN].decode(errors="replace")
    return CallFailed(verdict, f"HTTP {response.status}: {text}", retry_after=_retry_after(response))


def _retry_after(response: Response) -> timedelta | None:
    text = response.headers.get("retry-after", "")
    try:
        return timedelta(seconds=float(text))
    except ValueError:
        return None


def _report_points(session: Session, answer: Record) -> None:
    status = _throttle_status(answer)
    if status is not None:
        session.http.budget.report(float(status.number("currentlyAvailable")), float(status.number("restoreRate")))


def _throttle_status(answer: Record) -> Record | None:
    extensions = answer.one_or_none("extensions")
    cost = extensions.one_or_none("cost") if extensions else None
    return cost.one_or_none("throttleStatus") if cost else None


def _raise_errors(answer: Record) -> None:
    """The first error decides, except that a doubtful one outweighs a clear one."""
    failures = [_failure(answer, error) for error in answer.each_or_none("errors")]
    if failures:
        raise next((each for each in failures if each.verdict is Verdict.UNKNOWN), failures[0])


def _failure(answer: Record, error: Record) -> CallFailed:
    extensions = error.one_or_none("extensions")
    code = extensions.text_or_empty("code") if extensions else ""
    message = error.text("message")[:SHOWN]
    verdict = BY_CODE.get(code) or (Verdict.UNKNOWN if answer.has("data") else Verdict.REFUSED)
    wait = _points_wait(answer) if verdict is Verdict.THROTTLED else None
    return CallFailed(verdict, message, code=code, retry_after=wait)


def _points_wait(answer: Record) -> timedelta:
    """Until the bucket holds what the call asks for."""
    status = _throttle_status(answer)
    if status is None:
        return timedelta(seconds=1)
    cost = answer.one("extensions").one("cost")
    missing = (cost.number_or_none("requestedQueryCost") or Decimal(0)) - status.number("currentlyAvailable")
    rate = status.number("restoreRate") or POINTS_PER_S_FALLBACK
    return timedelta(seconds=float(min(WAIT_S_MAX, max(Decimal(1), missing / rate))))


@contextmanager
def drift_means(verdict: Verdict) -> Iterator[None]:
    """An answer of another shape than the vendor's schema promises ends in *verdict*, with the exact place."""
    try:
        yield
    except Undecodable as error:
        raise CallFailed(verdict, f"the shop answers in another shape: {error}", code="DRIFT") from error


def gid(kind: str, number: str) -> str:
    """The vendor's global id of a number."""
    return f"gid://shopify/{kind}/{number}"


def number_of(global_id: str) -> str:
    """The number inside a global id; Undecodable when it is none."""
    number = global_id.rpartition("/")[2].partition("?")[0]
    if not (global_id.startswith("gid://shopify/") and number.isdecimal()):
        raise Undecodable("$", f'wanted a global id, got "{global_id[:SHOWN]}"')
    return number


def one_reason(payload: Record, errors: str = "userErrors") -> str:
    """All user errors of a payload as one sentence; empty when there are none."""
    return "; ".join(problem.text("message") for problem in payload.each(errors))[:SHOWN]
