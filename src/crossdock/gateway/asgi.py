"""Plain ASGI, as far as the API needs it: read within limits, decode with exact paths, answer."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias, TypeVar

import msgspec

from crossdock.foundation import plain
from crossdock.foundation.misfit import MISFITS_MAX, Misfit, misfits, of_decoder, shown
from crossdock.gateway.keys import Caller
from crossdock.gateway.problems import CONTENT_TYPE, FieldProblem, Problem

# The ASGI specification types these as mappings of anything; frameworks differ in how they say so.
ASGIScope: TypeAlias = Any
ASGIMessage: TypeAlias = Any
Receive: TypeAlias = Callable[[], Awaitable[Any]]
Send: TypeAlias = Callable[[Any], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[ASGIScope, Any, Any], Awaitable[None]]
Body = TypeVar("Body")

JSON: Final = b"application/json"
IDEMPOTENCY_KEY_MAX: Final = 255
BODY_WAIT_S: Final = 30.0
"""How long a caller may take to send a body that did not come in one piece."""
DRAIN_MAX: Final = 8 * 1024 * 1024
"""How much of a refused body is still read, so that its sender sees the answer instead of a reset connection."""
PROBLEMS_FROM: Final = 400
NAME_MAX: Final = 64
_ANYTHING: Final = msgspec.json.Decoder(float_hook=str)
_JSON_TYPE: Final = re.compile(rb"application/(?:[\w.-]+\+)?json")


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What a handler needs of a request."""

    caller: Caller
    body: bytes
    headers: Mapping[bytes, bytes]
    """Names in lower case."""
    path: str
    query: bytes = b""
    """What stands behind the question mark."""
    key: str = ""
    """What stands in the place of the path's parameter."""

    @property
    def idempotency_key(self) -> str | None:
        """The `Idempotency-Key` header; Problem when it is not usable."""
        raw = self.headers.get(b"idempotency-key")
        if raw is None:
            return None
        key = raw.decode("latin-1").strip().strip('"')
        if not 0 < len(key) <= IDEMPOTENCY_KEY_MAX or not key.isprintable():
            raise Problem("invalid", f"Idempotency-Key must have 1 to {IDEMPOTENCY_KEY_MAX} printable characters")
        return key


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a handler answers."""

    status: int
    body: bytes
    headers: Mapping[str, str] = {}
    refused: Problem | None = None
    """Why nothing of a batch was taken in, when nothing was."""


def decode(body: bytes, decoder: "msgspec.json.Decoder[Body]", *, look: bool | None = None) -> Body:
    """The body as its type; Problem that names everything that does not fit.

    *look*: whether a closer look is needed at what the decoder takes (None: find out).
    """
    body = plain.composed_json(body)
    try:
        decoded = decoder.decode(body)
    except msgspec.ValidationError as error:
        _refuse_other_than_json(body)
        raise _misfit(misfits(body, decoder.type) or [of_decoder(str(error))]) from None
    except RecursionError:
        raise Problem("too-large", "the body is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _malformed(body, error) from None
    if plain.needs_a_look(body) if look is None else look:
        found = misfits(body, decoder.type)
        if found:
            raise _misfit(found)
    return decoded


def _refuse_other_than_json(body: bytes) -> None:
    """A decoder that meets a wrong type first has not read the rest."""
    try:
        _ANYTHING.decode(body)
    except RecursionError:
        raise Problem("too-large", "the body is nested too deeply") from None
    except msgspec.ValidationError:
        return  # a number that no machine holds is still JSON
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _malformed(body, error) from None


def _malformed(body: bytes, error: Exception) -> Problem:
    return Problem("malformed", str(error) if body.strip() else "the body is empty: send a JSON object")


def _misfit(found: Sequence[Misfit]) -> Problem:
    wrong = tuple(FieldProblem(path=each.path, reason=each.reason) for each in found)
    kind = "too-large" if any(each.too_long for each in found) else "invalid"
    count = "1 value does" if len(wrong) == 1 else f"{len(wrong)} values do"
    first = "; only the first are named" if len(wrong) == MISFITS_MAX else ""
    return Problem(
        kind, f"{count} not fit{first}. Correct what `errors` names and send it again: it was not taken.", errors=wrong
    )


def named(raw: msgspec.Raw, field: str) -> str:
    """What the sender calls an item of a batch, where it says so: a refusal repeats it."""
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return ""
    name = value.get(field) if isinstance(value, dict) else None
    return name[:NAME_MAX] if isinstance(name, str) and name.isprintable() else ""


def check_json(headers: Mapping[bytes, bytes]) -> None:
    """Problem when the body calls itself something else than JSON as it stands. No body calls itself nothing."""
    if headers.get(b"content-length") == b"0":
        return
    kind = headers.get(b"content-type", JSON)
    if kind != JSON:
        name, _, more = kind.lower().partition(b";")
        charset = more.replace(b" ", b"").replace(b'"', b"")
        if _JSON_TYPE.fullmatch(name.strip()) is None or (b"charset=" in charset and b"utf-8" not in charset):
            raise Problem(
                "unsupported-media-type",
                f"this body calls itself {shown(kind.decode('latin-1'))}: send application/json",
            )
    encoding = headers.get(b"content-encoding", b"identity")
    if encoding != b"identity":
        raise Problem("unsupported-media-type", f"send the body as it is, not as {shown(encoding.decode('latin-1'))}")


async def read_body(scope: ASGIScope, receive: Receive, headers: Mapping[bytes, bytes], size_max: int) -> bytes:
    """The whole body, never more than *size_max* bytes."""
    length = headers.get(b"content-length")
    if length is not None and (not length.isdigit() or int(length) > size_max):
        if b"expect" not in headers:  # who expects to be told to continue has not sent it yet
            await _drain(receive)
        raise _too_large(size_max)
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
        if len(body) > size_max:
            raise _too_large(size_max)
        return body
    try:
        async with asyncio.timeout(BODY_WAIT_S):
            return await _read_parts(scope, message, receive, size_max)
    except TimeoutError:
        raise Problem("timeout", f"the body did not come within {BODY_WAIT_S:.0f} s", headers=_CLOSE) from None


async def _read_parts(scope: ASGIScope, message: ASGIMessage, receive: Receive, size_max: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise ConnectionResetError(scope["path"])
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > size_max:
            if message.get("more_body"):
                await _drain(receive)
            raise _too_large(size_max)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()


async def _drain(receive: Receive) -> None:
    size = 0
    try:
        async with asyncio.timeout(BODY_WAIT_S):
            while size < DRAIN_MAX:
                message = await receive()
                size += len(message.get("body", b""))
                if not message.get("more_body"):
                    return
    except TimeoutError:
        return


_CLOSE: Final = {"Connection": "close"}


def _too_large(size_max: int) -> Problem:
    return Problem("too-large", f"at most {size_max} bytes", headers=_CLOSE)


async def send_answer(send: Send, answer: Answer) -> None:
    """Write an answer in two messages."""
    content_type = JSON if answer.status < PROBLEMS_FROM else CONTENT_TYPE
    headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(answer.body))]
    headers.extend((name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers.items())
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def answer_of(problem: Problem, path: str) -> Answer:
    """A problem as the answer to a request of *path*."""
    return Answer(status=problem.status, body=problem.body(path), headers=problem.headers)
