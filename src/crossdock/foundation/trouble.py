"""Work that goes on for ever tells when it does not get on, and when it does again."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from crossdock.foundation.log import logger

log = logger(__name__)

TOLD_FROM: Final = 5
"""Failures in a row: fewer are a restart, a lost race, a vendor's bad minute."""

Tell: TypeAlias = Callable[[str, str, int], Awaitable[None]]
"""(which work, what it fails of, how often in a row); an empty text and 0 when it gets on again."""


async def tell_nobody(_work: str, _error: str, _failures: int) -> None:
    """For work that is watched otherwise."""


class Trouble:
    """The failures in a row of one piece of work."""

    def __init__(self, work: str, tell: Tell) -> None:
        self._work = work
        self._tell = tell
        self._failures = 0
        self._told = True  # by a process before this one, perhaps

    async def failed(self, error: Exception) -> None:
        """It failed once more."""
        self._failures += 1
        if self._failures >= TOLD_FROM:
            self._told = await self._safely(f"{type(error).__name__}: {error}".strip(), self._failures) or self._told

    async def got_on(self) -> None:
        """It did not fail."""
        self._failures = 0
        if self._told:
            self._told = not await self._safely("", 0)

    async def _safely(self, error: str, failures: int) -> bool:
        """Telling may fail of what the work itself fails of: it is told the next time."""
        try:
            await self._tell(self._work, error.replace("\x00", "?").encode(errors="replace").decode(), failures)
        except Exception as untold:  # noqa: BLE001 (nobody's work stops because it cannot be told of)
            log.warning("trouble_not_told", work=self._work, error=f"{type(untold).__name__}: {untold}".strip())
            return False
        return True
