"""The auditor's own way of talking to Tryton: blocking JSON-RPC, no retries, errors as they come.

It shares nothing with the hub's connector, so that a mistake there cannot hide itself here.
"""

import base64
import http.client
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final, TypeAlias, cast

from crossdock.simulation.erp.errors import ErpError, ErpRefusedError

Value: TypeAlias = "bool | int | float | str | Decimal | date | datetime | Sequence[Value] | Mapping[str, Value] | None"
_OK: Final = 200
_TIMEOUT_S: Final = 300.0


class Row:
    """One record that Tryton has read."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[str, object]) -> None:
        self._fields = fields

    @property
    def id(self) -> int:
        """Tryton's own number of the record."""
        return self.whole("id")

    def text(self, name: str) -> str:
        """Text; empty when unset."""
        return str(self._fields[name] or "")

    def whole(self, name: str) -> int:
        """An integer, such as the id that a many-to-one field holds."""
        value = self._fields[name]
        assert isinstance(value, int), (name, value)
        return value

    def number(self, name: str) -> Decimal:
        """Tryton writes money as Decimal and quantities as float; both are exact here."""
        value = self._fields[name]
        assert isinstance(value, int | float | Decimal), (name, value)
        return value if isinstance(value, Decimal) else Decimal(str(value))

    def day(self, name: str) -> date | None:
        """A date, or None when unset."""
        value = self._fields[name]
        assert value is None or isinstance(value, date), (name, value)
        return value

    def ids(self, name: str) -> tuple[int, ...]:
        """The ids of an x-to-many field."""
        return tuple(cast("Sequence[int]", self._fields[name]))


class Rpc:
    """A log-in to one database. Not for use by several threads at once."""

    def __init__(self, port: int, database: str, user: str, password: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
        self._path = f"/{database}/rpc/"
        self._authorization = ""
        said = self._call("common.db.login", user, {"password": password})
        if not isinstance(said, list):
            raise ErpError(f"Tryton did not let {user} in: check the database {database}.")
        session = f"{user}:{said[0]}:{said[1]}"
        self._authorization = "Session " + base64.b64encode(session.encode()).decode()
        self.context: dict[str, Value] = {}
        self.refresh()

    def refresh(self) -> None:
        """Read the context again; it changes with the user's company."""
        said = self._call("model.res.user.get_preferences", True, {})  # noqa: FBT003 (Tryton's own call)
        self.context = cast("dict[str, Value]", said)

    def create(self, model: str, values: Sequence[Mapping[str, Value]]) -> list[int]:
        """Make records, return their ids."""
        return cast("list[int]", self.call(f"model.{model}.create", list(values)))

    def one(self, model: str, domain: Sequence[Value]) -> int:
        """The only record that fits; ErpError when there is none."""
        found = cast("list[int]", self.call(f"model.{model}.search", domain, 0, 1, None))
        if not found:
            raise ErpError(f"Tryton has no {model} with {domain}: the ERP was not set up as expected.")
        return found[0]

    def read_all(
        self, model: str, domain: Sequence[Value], fields: Sequence[str], order: Sequence[Value] = (("id", "ASC"),)
    ) -> list[Row]:
        """Every record that fits."""
        said = self.call(f"model.{model}.search_read", domain, 0, None, order, fields)
        return [Row(row) for row in cast("list[dict[str, object]]", said)]

    def call(self, method: str, *parameters: Value, context: Mapping[str, Value] | None = None) -> object:
        """One call with the user's context added; ErpRefusedError when Tryton says no."""
        return self._call(method, *parameters, {**self.context, **(context or {})})

    def _call(self, method: str, *parameters: Value) -> object:
        body = json.dumps({"id": 1, "method": method, "params": parameters}, default=_written)
        headers = {"Content-Type": "application/json"}
        if self._authorization:
            headers["Authorization"] = self._authorization
        try:
            self._connection.request("POST", self._path, body, headers)
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise ErpError(f"Tryton does not answer on {self._path}: {error}") from error
        finally:
            self._connection.close()  # the server closes idle ones by itself: a new one per call never meets that
        if response.status != _OK:
            raise ErpError(f"Tryton answered {response.status} to {method}: {content[:300]!r}")
        answer: dict[str, object] = json.loads(content, object_hook=_read)
        if answer.get("error"):
            raise ErpRefusedError(_first_sentence(answer["error"]))
        return answer.get("result")


def _first_sentence(error: object) -> str:
    """Errors are nested lists that also carry field metadata: the first two texts say it all."""
    match error:
        case [str(kind), [str(text), *_], *_]:
            return f"{kind}: {text}"
        case [str(text), *_]:
            return text
        case _:
            return str(error)[:200]


def _written(value: object) -> dict[str, object]:
    match value:
        case Decimal():
            return {"__class__": "Decimal", "decimal": str(value)}
        case datetime():
            at = value.astimezone(UTC)
            return {
                "__class__": "datetime", "year": at.year, "month": at.month, "day": at.day, "hour": at.hour,
                "minute": at.minute, "second": at.second, "microsecond": at.microsecond,
            }  # fmt: skip
        case date():
            return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
        case _:
            raise TypeError(f"Tryton knows no {type(value).__name__}")


def _read(found: dict[str, object]) -> object:
    part = cast("dict[str, int]", found)
    match found.get("__class__"):
        case "Decimal":
            return Decimal(str(found["decimal"]))
        case "date":
            return date(part["year"], part["month"], part["day"])
        case "datetime":
            day = (part["year"], part["month"], part["day"])
            return datetime(*day, part["hour"], part["minute"], part["second"], part["microsecond"], tzinfo=UTC)
        case _:
            return found
