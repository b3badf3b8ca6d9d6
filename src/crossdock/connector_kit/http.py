"""The one outbound HTTP client. Every call has a deadline, spends the connection's budget and ends in a verdict."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

import aiohttp
from multidict import CIMultiDictProxy
from opentelemetry import propagate

from crossdock.connector_kit.verdict import CallFailed, Verdict, verdict_of

BODY_MAX: Final = 64 * 1024 * 1024
TIMEOUT_S: Final = 30.0
SHOWN: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


class Budget(Protocol):
    """What a connection may spend. Sends, polls, probes and questions all draw on the same one."""

    def spend(self, points: float) -> AbstractAsyncContextManager[None]:
        """Hold a place for one call of that many points; waits its turn. CallFailed(NOT_SENT) while the circuit is open."""
        ...

    def heard(self, status: int, headers: Mapping[str, str]) -> None:
        """An answer came, whatever it says."""
        ...

    def failed(self, reason: str) -> None:
        """No answer came."""
        ...

    def report(self, available: float, restore_per_s: float) -> None:
        """The vendor told its own figures: points left now, points restored per second."""
        ...

    def pause(self, wait: timedelta) -> None:
        """The vendor asked for silence."""
        ...


class Unlimited:
    """No budget: for checks by hand and tests."""

    @asynccontextmanager
    async def spend(self, _points: float) -> AsyncIterator[None]:
        """Go at once."""
        yield

    def heard(self, status: int, headers: Mapping[str, str]) -> None:
        """Nobody counts."""

    def failed(self, reason: str) -> None:
        """Nobody counts."""

    def report(self, available: float, restore_per_s: float) -> None:
        """Nobody counts."""

    def pause(self, wait: timedelta) -> None:
        """Nobody waits."""


UNLIMITED: Final = Unlimited()


class Http:
    """A connection's client. Redirects are not followed: a write that is sent elsewhere is a configuration error."""

    def __init__(self, client: aiohttp.ClientSession, base_url: str, budget: Budget = UNLIMITED) -> None:
        """Connectors that learn their remaining points tell `budget.report`; a wait asked for goes to `budget.pause`."""
        self._client = client
        self._base_url = base_url.rstrip("/")
        self.budget = budget

    async def send(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
        points: float = 1.0,
    ) -> Response:
        """One request, whatever its status; CallFailed when no complete answer came back."""
        traced = dict(headers or {})
        propagate.inject(traced)
        async with self.budget.spend(points):
            try:
                async with self._client.request(
                    method,
                    f"{self._base_url}{path}",
                    data=body,
                    headers=traced,
                    params=params,
                    timeout=aiohttp.ClientTimeout(total=timeout_s),
                    allow_redirects=False,
                ) as response:
                    content = await _whole(response)
                    answer = Response(status=response.status, headers=_lower(response.headers), body=content)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                reason = f"{method} {path}: {type(error).__name__}: {error}"[:SHOWN]
                self.budget.failed(reason)
                raise CallFailed(verdict_of(error), reason) from error
        self.budget.heard(answer.status, answer.headers)
        return answer


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    """The body to its end: a read of the stream gives only what has arrived so far."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > BODY_MAX:
            raise CallFailed(Verdict.UNKNOWN, f"the answer is longer than {BODY_MAX} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def _lower(headers: "CIMultiDictProxy[str]") -> Mapping[str, str]:
    return {name.lower(): value for name, value in headers.items()}
