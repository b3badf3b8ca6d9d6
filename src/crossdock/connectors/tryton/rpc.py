"""Calls to Tryton: one log-in for the connection, the user's context on every call, a verdict on every end."""

import base64
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from crossdock.connector_kit.http import Response
from crossdock.connector_kit.record import Record
from crossdock.connector_kit.session import Session
from crossdock.connector_kit.verdict import CallFailed, Verdict
from crossdock.connectors.tryton.wire import UNAUTHORIZED, Json, Warned, ids_of, list_of, records_of, result_of

_AUTHORIZATION: Final = "tryton.authorization"
_CONTEXT: Final = "tryton.context"
_USER: Final = "tryton.user"
_READ_S: Final = 30.0
_WRITE_S: Final = 120.0
"""A store day of three hundred items takes Tryton several seconds per step, and its machine may be busy."""
_WARNINGS_MAX: Final = 3


class Tryton:
    """One connection's Tryton.

    Reads that fail for want of an answer are NOT_SENT: they change nothing, and every `run` looks before it writes.
    Writes keep UNKNOWN.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._memory = session.memory
        self._path = f"/{session.settings['database']}/rpc/"

    async def user(self) -> int:
        """Our own user's id: what it made is ours, whoever asks."""
        await self._authorization()
        return int(self._memory[_USER])

    async def rows(
        self,
        model: str,
        domain: Sequence[Json],
        fields: Sequence[str],
        *,
        order: Sequence[Json] = (("id", "ASC"),),
        limit: int | None = None,
    ) -> list[Record]:
        """Records that fit, oldest first."""
        return records_of(await self.raw(model, domain, fields, order=order, limit=limit))

    async def raw(
        self,
        model: str,
        domain: Sequence[Json],
        fields: Sequence[str],
        *,
        order: Sequence[Json] = (("id", "ASC"),),
        limit: int | None = None,
        context: Mapping[str, Json] | None = None,
    ) -> list[object]:
        """As `rows`, to be kept as they came."""
        return list_of(await self._read(f"model.{model}.search_read", domain, 0, limit, order, fields, context=context))

    async def first(self, model: str, domain: Sequence[Json], fields: Sequence[str]) -> Record | None:
        """The newest record that fits."""
        found = await self.rows(model, domain, fields, order=(("id", "DESC"),), limit=1)
        return found[0] if found else None

    async def read(self, model: str, ids: Sequence[int], fields: Sequence[str]) -> list[Record]:
        """Records by id; their order is Tryton's."""
        return records_of(list_of(await self._read(f"model.{model}.read", ids, fields)))

    async def create(self, model: str, values: Mapping[str, Json]) -> int:
        """Make one record."""
        made = ids_of(await self._write(f"model.{model}.create", [values]))
        if len(made) != 1:
            raise CallFailed(Verdict.UNKNOWN, f"Tryton made {len(made)} {model} instead of one")
        return made[0]

    async def write(
        self, model: str, record: int, values: Mapping[str, Json], *, unless_changed_since: Record | None = None
    ) -> None:
        """Change one record; NOT_SENT when somebody else has changed it since it was read (with `_timestamp`)."""
        context: Mapping[str, Json] = {}
        if unless_changed_since is not None:
            context = {"_timestamp": {f"{model},{record}": unless_changed_since.text("_timestamp")}}
        await self._write(f"model.{model}.write", [record], values, context=context)

    async def delete(self, model: str, record: int) -> None:
        """Remove one record."""
        await self._write(f"model.{model}.delete", [record])

    async def press(self, model: str, button: str, record: int, *, accept: str = "") -> None:
        """Carry out a transition. Warnings whose name ends with *accept* are answered with yes."""
        for _ in range(_WARNINGS_MAX):
            try:
                await self._write(f"model.{model}.{button}", [record])
            except Warned as warning:
                if not accept or not warning.name.endswith(accept):
                    raise
                await self._write("model.res.user.warning.skip", warning.name, False)  # noqa: FBT003 (once, not for ever)
            else:
                return
        raise CallFailed(Verdict.REFUSED, f"Tryton keeps asking whether to {button}", code="UserWarning")

    async def wizard(self, name: str, model: str, record: int, state: str, data: Mapping[str, Json]) -> None:
        """Carry a wizard on *record* through one of its states."""
        begun = await self._write(f"wizard.{name}.create")
        match begun:
            case [int(number), *_]:
                pass
            case _:
                raise CallFailed(Verdict.BROKEN, f"Tryton does not begin the wizard {name}: is it 8.0?")
        context: Mapping[str, Json] = {"active_model": model, "active_id": record, "active_ids": [record]}
        await self._write(f"wizard.{name}.execute", number, data, state, context=context)
        await self._write(f"wizard.{name}.delete", number)

    async def preferences(self) -> Record:
        """The user's own context: company, language, groups."""
        return Record(await self._call("model.res.user.get_preferences", (True, {}), writes=False), "$.result")

    async def _read(self, method: str, *parameters: Json, context: Mapping[str, Json] | None = None) -> object:
        return await self._call(method, (*parameters, {**await self._context(), **(context or {})}), writes=False)

    async def _write(self, method: str, *parameters: Json, context: Mapping[str, Json] | None = None) -> object:
        return await self._call(method, (*parameters, {**await self._context(), **(context or {})}), writes=True)

    async def _context(self) -> Mapping[str, Json]:
        """The company decides which accounts, taxes and sequences Tryton uses."""
        if _CONTEXT not in self._memory:
            mine = await self.preferences()
            if not mine.has("company"):
                raise CallFailed(Verdict.BROKEN, "the Tryton user has no company: set one in its preferences")
            self._memory[_CONTEXT] = str(mine.whole("company"))
        return {"company": int(self._memory[_CONTEXT])}

    async def _call(self, method: str, parameters: Sequence[Json], *, writes: bool) -> object:
        timeout_s = _WRITE_S if writes else _READ_S
        try:
            used = await self._authorization()
            response = await self._post(method, parameters, used, timeout_s)
            if response.status == UNAUTHORIZED:  # the session has ended; the call was not carried out
                if self._memory.get(_AUTHORIZATION) == used:  # nobody has logged in anew meanwhile
                    del self._memory[_AUTHORIZATION]
                response = await self._post(method, parameters, await self._authorization(), timeout_s)
            return result_of(response.status, response.body)
        except CallFailed as failure:
            if failure.verdict is Verdict.UNKNOWN and not writes:
                raise CallFailed(Verdict.NOT_SENT, failure.reason, code=failure.code) from failure
            raise

    async def _authorization(self) -> str:
        """Calls that begin together log in once: Tryton takes its time over each password."""
        async with self._session.entrance:
            if _AUTHORIZATION not in self._memory:
                await self._log_in()
            return self._memory[_AUTHORIZATION]

    async def _log_in(self) -> None:
        settings = self._session.settings
        response = await self._post(
            "common.db.login", (settings["user"], {"password": settings["password"]}), "", _READ_S
        )
        try:
            said = result_of(response.status, response.body)
        except CallFailed as failure:
            if failure.verdict is Verdict.UNKNOWN:  # a log-in changes nothing that we could double
                raise CallFailed(Verdict.NOT_SENT, failure.reason, code=failure.code) from failure
            raise
        match said:
            case [int(user), str(token), *_]:
                text = f"{settings['user']}:{user}:{token}"
                self._memory[_AUTHORIZATION] = "Session " + base64.b64encode(text.encode()).decode()
                self._memory[_USER] = str(user)
            case _:
                raise CallFailed(Verdict.BROKEN, "Tryton does not accept user and password", code="login")

    async def _post(self, method: str, parameters: Sequence[Json], authorization: str, timeout_s: float) -> Response:
        headers = {"Content-Type": "application/json"}
        if authorization:
            headers["Authorization"] = authorization
        # Exactly these three names: with any other, Tryton answers errors as HTML with a 4xx status.
        body = msgspec.json.encode({"id": 1, "method": method, "params": parameters})
        return await self._session.http.send("POST", self._path, body=body, headers=headers, timeout_s=timeout_s)
