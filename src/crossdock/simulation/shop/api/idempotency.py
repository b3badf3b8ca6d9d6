"""What the shop remembers of `@idempotent` keys: same key and parameters, same answer; anything else is an error."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from crossdock.simulation.shop.api.fields_fulfilment import Payload, Problem

KEPT: Final = timedelta(hours=24)
MANDATORY: Final = frozenset(
    {
        "inventoryActivate",
        "inventoryAdjustQuantities",
        "inventoryMoveQuantities",
        "inventorySetOnHandQuantities",
        "inventorySetQuantities",
        "inventoryShipmentAddItems",
        "inventoryShipmentCreate",
        "inventoryShipmentCreateInTransit",
        "inventoryShipmentReceive",
        "inventoryTransferCreate",
        "inventoryTransferCreateAsReadyToShip",
        "inventoryTransferDuplicate",
        "inventoryTransferSetItems",
        "locationActivate",
        "locationDeactivate",
        "refundCreate",
    }
)


@dataclass(frozen=True, slots=True)
class _Kept:
    at: datetime
    fingerprint: str
    payload: Payload | None
    """None: the attempt failed inside."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The payload, and whether it is the memory of an earlier call."""

    payload: Payload
    replayed: bool = False


class Keys:
    """Keys in use and keys remembered."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._held: set[str] = set()

    def hold(self, keys: frozenset[str]) -> frozenset[str]:
        """Mark keys as in use by a call under way; the answer are those that this call now holds."""
        taken = keys - self._held
        self._held |= taken
        return taken

    def release(self, keys: frozenset[str]) -> None:
        """The call under way goes on, or is over."""
        self._held -= keys

    def spend(self, key: str, fingerprint: str, now: datetime) -> None:
        """The call failed inside: the key answers nothing but that from here on."""
        self._kept[key] = _Kept(now, fingerprint, None)

    def once(self, key: str, fingerprint: str, now: datetime, run: Callable[[], Payload]) -> Answered:
        """Run, or answer from memory. Denied calls are remembered like applied ones."""
        if key in self._held:
            return _no("IDEMPOTENCY_CONCURRENT_REQUEST", "This request is currently in progress, please try again.")
        kept = self._kept.get(key)
        if kept is not None and now - kept.at < KEPT:
            if kept.fingerprint != fingerprint:
                text = "The same idempotency key cannot be used with different operation parameters."
                return _no("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", text)
            if kept.payload is None:
                text = "A previous request with this idempotency key failed. Retry with a new idempotency key."
                return _no("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", text)
            return Answered(kept.payload, replayed=True)
        payload = run()
        self._kept[key] = _Kept(now, fingerprint, payload)
        return Answered(payload)


def _no(code: str, text: str) -> Answered:
    return Answered(Payload((Problem(text, None, code),)))
