"""The one outbound HTTP client. Every call has a deadline, spends the connection's budget and ends in a verdict."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

import aiohttp
from multidict import CIMultiDictProxy
from opentelemetry import propagate

from crossdock.connector_kit.verdict import CallFailed, verdict_of

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


Gate = Callable[[float], Awaitable[None]]
"""Waits until the connection's budget allows a call of that many points."""


async def open_gate(_points: float) -> None:
    """No budget: for checks by hand and tests."""


class Http:
    """A connection's client. Redirects are not followed: a write that is sent elsewhere is a configuration error."""

    def __init__(self, client: aiohttp.ClientSession, base_url: str, gate: Gate = open_gate) -> None:
        self._client = client
        self._base_url = base_url.rstrip("/")
        self._gate = gate

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
        await self._gate(points)
        traced = dict(headers or {})
        propagate.inject(traced)
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
                content = await response.content.read(BODY_MAX)
                return Response(status=response.status, headers=_lower(response.headers), body=content)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            reason = f"{type(error).__name__}: {error}"[:SHOWN]
            raise CallFailed(verdict_of(error), f"{method} {path}: {reason}") from error


def _lower(headers: "CIMultiDictProxy[str]") -> Mapping[str, str]:
    return {name.lower(): value for name, value in headers.items()}
