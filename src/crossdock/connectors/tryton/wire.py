"""Tryton's JSON: how values are tagged, and what an answer means. Pure."""

import html
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final, TypeAlias

from crossdock.canonical.base import YEARS, is_possible
from crossdock.connector_kit.record import Record, Undecodable, parse_json
from crossdock.connector_kit.verdict import CallFailed, Verdict, verdict_of_status

Json: TypeAlias = "str | int | float | bool | Sequence[Json] | Mapping[str, Json] | None"

OK: Final = 200
UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404
_UNAVAILABLE: Final = 503
_ROLLED_BACK: Final = re.compile("could not obtain lock|could not serialize|deadlock detected")
"""PostgreSQL's words inside Tryton's 503: the transaction is gone. Another 503 may hide a commit."""
_SHOWN: Final = 300


class Warned(CallFailed):
    """Tryton asks "are you sure?": nothing was done. Answered by `skip` with this name, then asked again."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(Verdict.REFUSED, text, code="UserWarning")
        self.name = name


def decimal(value: Decimal) -> Mapping[str, Json]:
    """Money and prices travel as text."""
    return {"__class__": "Decimal", "decimal": str(value)}


def day(value: date) -> Mapping[str, Json]:
    """A calendar date."""
    return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}


def moment(value: datetime) -> Mapping[str, Json]:
    """Tryton's timestamps have no zone and are UTC."""
    at = value.astimezone(UTC)
    return {
        "__class__": "datetime", "year": at.year, "month": at.month, "day": at.day, "hour": at.hour,
        "minute": at.minute, "second": at.second, "microsecond": at.microsecond,
    }  # fmt: skip


def quantity(value: Decimal) -> float:
    """Tryton's quantities are floats; units of measure round them back to what was meant."""
    return float(value)


def money_of(record: Record, name: str) -> Decimal:
    """A Decimal field."""
    return record.one(name).number("decimal")


def moment_of(record: Record, name: str) -> datetime:
    """A timestamp field, at which trade can be."""
    value = place_of(record, name)
    if not is_possible(value):
        raise Undecodable(f"{record.path}.{name}", f"wanted date and time {YEARS}, got {value.isoformat()}")
    return value


def place_of(record: Record, name: str) -> datetime:
    """A timestamp field as it stands: where a reader goes on, whatever clock wrote it."""
    at = record.one(name)
    parts = [at.whole(part) for part in ("year", "month", "day", "hour", "minute", "second", "microsecond")]
    try:
        value = datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]  # seven whole numbers
    except (ValueError, OverflowError):
        raise Undecodable(at.path, f"wanted date and time, got {parts}") from None
    return value


def changed_at(record: Record) -> datetime:
    """When the record was changed last."""
    return moment_of(record, changed_field(record))


def changed_field(record: Record) -> str:
    """A record that was never changed has no `write_date`."""
    return "write_date" if record.has("write_date") else "create_date"


def result_of(status: int, body: bytes) -> object:
    """What the call returned; CallFailed when it did not.

    An error inside HTTP 200 is Tryton's own: its transaction was rolled back, so nothing was applied.
    """
    if status != OK:
        raise _failed(status, body)
    try:
        answer = parse_json(body)
    except Undecodable as error:
        raise CallFailed(Verdict.UNKNOWN, f"Tryton's answer is not JSON: {error.reason}") from error
    if not isinstance(answer, dict):
        raise CallFailed(Verdict.UNKNOWN, "Tryton's answer is not an object")
    if answer.get("error"):
        raise _refused(answer["error"])
    return answer.get("result")


def list_of(result: object) -> list[object]:
    """A result that is a list."""
    if not isinstance(result, list):
        raise CallFailed(Verdict.BROKEN, "Tryton answered a read with something else than a list: is it 8.0?")
    return result


def records_of(rows: Sequence[object]) -> list[Record]:
    """Rows, to be read strictly."""
    return [Record(row, f"$.result[{index}]") for index, row in enumerate(rows)]


def ids_of(result: object) -> list[int]:
    """A result that is a list of ids."""
    if not isinstance(result, list) or not all(isinstance(item, int) for item in result):
        raise CallFailed(Verdict.BROKEN, "Tryton answered a search with something else than ids")
    return result


def _failed(status: int, body: bytes) -> CallFailed:
    text = html.unescape(re.sub(r"<[^>]+>", " ", body.decode(errors="replace")))
    words = " ".join(text.split())[:_SHOWN]
    if status == _UNAVAILABLE and _ROLLED_BACK.search(words):
        return CallFailed(Verdict.NOT_SENT, words, code="503")
    if status == UNAUTHORIZED:
        return CallFailed(Verdict.BROKEN, "Tryton does not accept user and password", code="401")
    if status == _FORBIDDEN:
        reason = "Tryton does not offer this call to us: check the user's groups, the modules and the series (8.0)"
        return CallFailed(Verdict.BROKEN, reason, code="403")
    if status == _NOT_FOUND:
        return CallFailed(Verdict.BROKEN, "Tryton has no such database, or this is not Tryton 8.0", code="404")
    return CallFailed(verdict_of_status(status) or Verdict.UNKNOWN, f"HTTP {status}: {words}", code=str(status))


def _refused(error: object) -> CallFailed:
    """Errors are nested lists that also carry field metadata; only the first texts are for people."""
    match error:
        case ["UserWarning", [str(name), str(text), *_], *_]:
            return Warned(name, text[:_SHOWN])
        case ["UserError", [str(text), *_], *_]:
            return CallFailed(Verdict.REFUSED, text[:_SHOWN], code="UserError")
        case ["ConcurrencyException", str(text), *_]:
            return CallFailed(Verdict.NOT_SENT, text[:_SHOWN], code="ConcurrencyException")
        case ["LoginException" | "RateLimitException" as kind, *_]:
            return CallFailed(Verdict.BROKEN, "Tryton refuses the log-in", code=kind)
        case [str(text), *_]:
            return CallFailed(Verdict.REFUSED, f"Tryton failed on it: {text[:_SHOWN]}", code="server")
        case _:
            return CallFailed(Verdict.REFUSED, "Tryton failed on it and does not say why", code="server")
