"""Plain ASGI for the hot routes: read within limits, know the caller, answer. A few microseconds, nothing else."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, TypeVar

import msgspec
import psycopg
import psycopg_pool

from crossdock.foundation.commit import OverloadedError
from crossdock.foundation.log import logger
from crossdock.gateway.keys import Caller, Keyring, Scope
from crossdock.gateway.problems import CONTENT_TYPE, FieldProblem, Problem

log = logger(__name__)

# The ASGI specification types these as mappings of anything; frameworks differ in how they say so.
ASGIScope: TypeAlias = Any
Receive: TypeAlias = Callable[[], Awaitable[Any]]
Send: TypeAlias = Callable[[Any], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[ASGIScope, Any, Any], Awaitable[None]]
Body = TypeVar("Body")

JSON: Final = b"application/json"
IDEMPOTENCY_KEY_MAX: Final = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a handler needs of a request."""

    caller: Caller
    body: bytes
    headers: Mapping[bytes, bytes]
    """Names in lower case."""
    path: str
    rest: str
    """The path behind the route's prefix."""

    @property
    def idempotency_key(self) -> str | None:
        """The `Idempotency-Key` header; Problem when it is not usable."""
        raw = self.headers.get(b"idempotency-key")
        if raw is None:
            return None
        key = raw.decode("latin-1").strip().strip('"')
        if not key or len(key) > IDEMPOTENCY_KEY_MAX:
            raise Problem("invalid", f"Idempotency-Key must have 1 to {IDEMPOTENCY_KEY_MAX} characters")
        return key


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a handler answers."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HotRoute:
    """A route served without the framework. Its declaration is its entry in the OpenAPI document."""

    method: str
    path: str
    summary: str
    scope: Scope
    body_max: int
    request: Any  # a msgspec type: what the OpenAPI document shows
    answers: Mapping[int, Any]
    handle: Callable[[Request], Awaitable[Answer]]


def decode(body: bytes, decoder: "msgspec.json.Decoder[Body]") -> Body:
    """The body as its type; Problem with the exact path otherwise."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `")
        raise Problem("invalid", errors=(FieldProblem(path=path.rstrip("`") or "$", reason=reason),)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem("invalid", errors=(FieldProblem(path="$", reason=f"not JSON: {error}"),)) from None


async def read_body(scope: ASGIScope, receive: Receive, headers: Mapping[bytes, bytes], size_max: int) -> bytes:
    """The whole body, never more than *size_max* bytes: a larger one is refused before it is read."""
    length = headers.get(b"content-length")
    if length is not None and (not length.isdigit() or int(length) > size_max):
        raise Problem("too-large", f"at most {size_max} bytes", headers={"Connection": "close"})
    message = await receive()
    if not message.get("more_body"):
        body: bytes = message.get("body", b"")
        if len(body) > size_max:
            raise Problem("too-large", f"at most {size_max} bytes", headers={"Connection": "close"})
        return body
    parts = [message.get("body", b"")]
    size = len(parts[0])
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError(scope.get("path"))
        part = message.get("body", b"")
        size += len(part)
        if size > size_max:
            raise Problem("too-large", f"at most {size_max} bytes", headers={"Connection": "close"})
        parts.append(part)
    return b"".join(parts)


async def send_answer(send: Send, answer: Answer, content_type: bytes = JSON) -> None:
    """Write an answer in two messages."""
    headers = [(b"content-type", content_type), (b"content-length", str(len(answer.body)).encode())]
    headers.extend((name.lower().encode(), value.encode()) for name, value in answer.headers.items())
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def send_problem(send: Send, problem: Problem, path: str) -> None:
    """Write a problem document."""
    answer = Answer(status=problem.status, body=problem.body(path), headers=problem.headers)
    await send_answer(send, answer, CONTENT_TYPE)


class HotRoutes:
    """Serves its routes itself and passes everything else on to the framework's application."""

    def __init__(self, routes: "tuple[HotRoute, ...]", keyring: Keyring, otherwise: ASGIApp) -> None:
        self._routes = {(route.method, route.path): route for route in routes}
        self._keyring = keyring
        self._otherwise = otherwise

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        """One request."""
        route = self._routes.get((scope.get("method", ""), scope.get("path", "")))
        if route is None or scope["type"] != "http":
            await self._otherwise(scope, receive, send)
            return
        try:
            answer = await self._answer(route, scope, receive)
        except Problem as problem:
            await send_problem(send, problem, scope["path"])
        except Exception as error:  # noqa: BLE001 (the edge: the caller gets a problem, the log gets the rest)
            await send_problem(send, problem_of(error), scope["path"])
        else:
            await send_answer(send, answer)

    async def _answer(self, route: HotRoute, scope: ASGIScope, receive: Receive) -> Answer:
        headers = dict(scope["headers"])
        caller = await self._keyring.caller(headers.get(b"authorization"), route.scope)
        body = await read_body(scope, receive, headers, route.body_max)
        return await route.handle(Request(caller=caller, body=body, headers=headers, path=scope["path"], rest=""))


def problem_of(error: Exception) -> Problem:
    """What a caller may know of an accident: whether to try again. The rest is in the log."""
    if isinstance(error, OverloadedError | psycopg_pool.PoolTimeout):
        return Problem("overloaded", headers={"Retry-After": "1"})
    if isinstance(error, psycopg.OperationalError):
        log.warning("request_lost_database", error=str(error).strip())
        return Problem("database-unavailable", headers={"Retry-After": "2"})
    log.error("request_failed", exc_info=error)
    return Problem("internal")
