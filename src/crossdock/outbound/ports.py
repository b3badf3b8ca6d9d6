"""What outbound needs from above; assembly gives it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeAlias

from crossdock.canonical.base import Document
from crossdock.canonical.intents import IntentDocument
from crossdock.eventlog.service import Origin
from crossdock.foundation.db import Tx
from crossdock.outbound.model import Intent, StateItem


class Unbuildable(Exception):  # noqa: N818 (reads as what happened)
    """A builder cannot make the document; the reason is for people. The intent is parked."""


Builder: TypeAlias = Callable[[Tx, Intent], Awaitable[IntentDocument]]
"""Makes a document when it is sent, in the transaction that claims the intent. Raises Unbuildable."""

ApplyNews: TypeAlias = Callable[[Tx, Document, Origin], Awaitable[None]]
"""Applies what was learnt while sending (a shipment done) in the transaction that lands the intent."""


class StateSource(Protocol):
    """Where a state flow reads its newest state, and who is told what the target holds now."""

    async def pending(self, tx: Tx, limit: int) -> Sequence[StateItem]:
        """What the target does not know yet, most urgent first, one item per subject."""
        ...

    async def confirmed(self, tx: Tx, items: Sequence[StateItem]) -> None:
        """The target holds these now."""
        ...

    async def stale(self, tx: Tx, item: StateItem, current: str) -> None:
        """The target holds *current* instead of the base that the item was computed on: that is the base now."""
        ...
