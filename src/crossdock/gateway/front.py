"""In front of the framework: serves the hot routes itself, answers OPTIONS, HEAD and 405 for all."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from crossdock.foundation.commit import OverloadedError
from crossdock.foundation.lending import DatabaseBusyError
from crossdock.foundation.log import logger
from crossdock.foundation.plain import composed, composed_query
from crossdock.gateway.asgi import (
    Answer,
    ASGIApp,
    ASGIScope,
    Receive,
    Request,
    Send,
    answer_of,
    check_json,
    read_body,
    send_answer,
)
from crossdock.gateway.keys import Keyring, Scope
from crossdock.gateway.problems import Problem
from crossdock.gateway.refusals import OTHERS, Refusals, asker_of, stranger

log = logger(__name__)

PLACE: Final = "{key}"
_AS_GET: Final = {"HEAD": "GET"}
"""The server leaves the body out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HotRoute:
    """A route served without the framework. Its declaration is its entry in the OpenAPI document."""

    method: str
    path: str
    """May hold `{key}` once."""
    summary: str
    scope: Scope
    body_max: int
    request: Any
    """A msgspec type: what the OpenAPI document shows. None: the route takes no body."""
    answers: Mapping[int, Any]
    handle: Callable[[Request], Awaitable[Answer]]
    idempotent: bool = True
    """Knows Idempotency-Key."""
    waits: bool = False
    """Knows `Prefer: wait`."""
    of_channels: bool = False
    """Keeps to what concerns the channel of a key that is for one only. The others refuse such a key."""
    conflicts: bool = False
    """May contradict what is already there."""
    parameters: Sequence[Mapping[str, object]] = ()
    """Of the query, as the OpenAPI document shows them."""


class Front:
    """The API's outermost part."""

    def __init__(
        self,
        routes: Sequence[HotRoute],
        keyring: Keyring,
        refusals: Refusals,
        otherwise: ASGIApp,
        methods: "Methods",
    ) -> None:
        self._plain = {route.path: route for route in routes if PLACE not in route.path}
        self._placed = [_around_place(route) for route in routes if PLACE in route.path]
        self._keyring = keyring
        self._refusals = refusals
        self._otherwise = otherwise
        self._methods = methods

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._otherwise(scope, receive, send)
            return
        scope = _composed(scope)
        path: str = scope["path"]
        route = self._plain.get(path)
        key = ""
        if route is None and path.startswith("/v1/"):
            route, key = self._find_placed(path)
        try:
            if route is not None and route.method == _AS_GET.get(scope["method"], scope["method"]):
                await send_answer(send, await self._answered(route, key, scope, receive))
            else:
                await self._pass_on(scope, receive, send)
        except Exception as error:  # noqa: BLE001 (the edge: the caller gets a problem, the log gets the rest)
            problem = problem_of(error)
            self._refusals.refused(None, OTHERS, problem)
            await send_answer(send, answer_of(problem, path))

    def _find_placed(self, path: str) -> "tuple[HotRoute | None, str]":
        for before, behind, route in self._placed:
            if path.startswith(before) and path.endswith(behind):
                key = path[len(before) : len(path) - len(behind)]
                if key and "/" not in key:
                    return route, key
        return None, ""

    async def _answered(self, route: HotRoute, key: str, scope: ASGIScope, receive: Receive) -> Answer:
        headers = dict(scope["headers"])
        authorization = headers.get(b"authorization")
        asker = None
        try:
            caller = await self._keyring.caller(authorization)
            asker = asker_of(caller)
            caller.check(route.scope, of_channels=route.of_channels)
            if route.request is not None:
                check_json(headers)
            body = await read_body(scope, receive, headers, route.body_max)
            answer = await route.handle(
                Request(
                    caller=caller,
                    body=body,
                    headers=headers,
                    path=scope["path"],
                    query=scope["query_string"],
                    key=key,
                )
            )
        except Exception as error:  # noqa: BLE001 (the edge: the caller gets a problem, the log gets the rest)
            problem = problem_of(error)
            self._refusals.refused(asker or stranger(scope, authorization), route.path, problem)
            return answer_of(problem, scope["path"])
        if answer.refused is None:
            self._refusals.taken(asker, route.path)
        else:
            self._refusals.refused(asker, route.path, answer.refused)
        return answer

    async def _pass_on(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        """To the framework, which knows nothing of the hot routes' methods."""
        method, path = scope["method"], scope["path"]
        allowed = self._methods.of(path)
        if not allowed:
            raise Problem("not-found")
        if method == "OPTIONS":
            await send_answer(send, Answer(status=204, body=b"", headers={"Allow": ", ".join(allowed)}))
            return
        if method not in allowed:
            raise Problem("method-not-allowed", headers={"Allow": ", ".join(allowed)})
        if method == "HEAD":  # the server leaves the body out
            scope = {**scope, "method": "GET"}
        await self._otherwise(scope, receive, send)


def _composed(scope: ASGIScope) -> ASGIScope:
    """Names in an address are spelled like those in bodies."""
    path, query = scope["path"], scope["query_string"]
    if path.isascii() and b"%" not in query:
        return scope
    return {**scope, "path": composed(path), "query_string": composed_query(query)}


def _around_place(route: HotRoute) -> tuple[str, str, HotRoute]:
    before, behind = route.path.split(PLACE)
    return before, behind, route


class Methods:
    """Which methods a path answers to, over hot routes and the framework's."""

    def __init__(self, declared: Sequence[tuple[str, str]]) -> None:
        """*declared* are (method, path) with `{…}` for what varies."""
        self._exact: dict[str, set[str]] = {}
        self._shapes: dict[int, list[tuple[tuple[str, ...], set[str]]]] = {}
        by_path: dict[str, set[str]] = {}
        for method, path in declared:
            by_path.setdefault(path, {"OPTIONS"}).update({method, "HEAD"} if method == "GET" else {method})
        for path, methods in by_path.items():
            if "{" in path:
                parts = tuple(path.split("/"))
                self._shapes.setdefault(len(parts), []).append((parts, methods))
            else:
                self._exact[path] = methods

    def of(self, path: str) -> Sequence[str]:
        """Sorted; empty when nothing is there."""
        found = self._exact.get(path)
        if found is None:
            asked = path.split("/")
            for parts, methods in self._shapes.get(len(asked), ()):
                if all(part == one or (part[:1] == "{" and one) for part, one in zip(parts, asked, strict=True)):
                    found = methods
                    break
        return sorted(found) if found else ()


def problem_of(error: Exception) -> Problem:
    """What a caller may know of an accident: whether to try again. The rest is in the log."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, OverloadedError | DatabaseBusyError):
        return Problem("overloaded", headers={"Retry-After": "1"})
    if isinstance(error, psycopg.OperationalError):
        log.warning("request_lost_database", error=str(error).strip())
        return Problem("database-unavailable", headers={"Retry-After": "2"})
    if isinstance(error, ConnectionResetError):  # nobody is there to read it
        return Problem("timeout")
    log.error("request_failed", exc_info=error)
    return Problem("internal")
