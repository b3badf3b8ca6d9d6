"""Mishaps on order: scripted or by chance from a seed, and always bounded by a number of times."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Annotated, Final

import msgspec


class FaultKind(StrEnum):
    """What goes wrong. Webhook faults match topics (orders/create), API faults the root field (fulfillmentCreate)."""

    REDELIVER = "redeliver"
    """The same message again after `seconds`, same event id, same webhook id, same body."""
    REORDER = "reorder"
    """Held back until the next message about the same thing has gone, at most `seconds`."""
    DELAY = "delay"
    """Told `seconds` late."""
    DROP = "drop"
    """Never told."""
    WRONG_SIGNATURE = "wrong_signature"
    """Signed with another secret; the right one follows by the ordinary retry."""
    STALE_PAYLOAD = "stale_payload"
    """Carries the body from before the change."""

    THROTTLE = "throttle"
    """Refused as THROTTLED with HTTP 200."""
    THROTTLE_429 = "throttle_429"
    """Refused with HTTP 429 and Retry-After: `seconds`."""
    ERROR_BEFORE = "error_before"
    """HTTP 502 and nothing done."""
    ERROR_AFTER = "error_after"
    """HTTP 500 although it was done."""
    TIMEOUT_BEFORE = "timeout_before"
    """Nothing done; silence for `seconds`, then the connection closes."""
    TIMEOUT_AFTER = "timeout_after"
    """Done; silence for `seconds`, then the connection closes."""
    DISCONNECT_BEFORE = "disconnect_before"
    """The connection drops and nothing was done."""
    DISCONNECT_AFTER = "disconnect_after"
    """Done, and the connection drops before the answer."""
    SLOW = "slow"
    """Answered properly, `seconds` late; its idempotency keys are in use meanwhile."""
    FAIL_INSIDE = "fail_inside"
    """An internal error inside the mutation: nothing done, and its idempotency key is spent."""


WEBHOOK_FAULTS: Final = frozenset(
    {
        FaultKind.REDELIVER,
        FaultKind.REORDER,
        FaultKind.DELAY,
        FaultKind.DROP,
        FaultKind.WRONG_SIGNATURE,
        FaultKind.STALE_PAYLOAD,
    }
)
API_FAULTS: Final = frozenset(FaultKind) - WEBHOOK_FAULTS


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule: what goes wrong, on what, how often."""

    kind: FaultKind
    on: str = "*"
    """Topic or root field; `*` is any of them."""
    times: Annotated[int, msgspec.Meta(ge=1)] = 1
    """At most so often, also when left to chance."""
    skip: int = 0
    """Let so many matches pass first."""
    chance: float = 1.0
    """How likely a match is hit."""
    seconds: float = 0.0


@dataclass(slots=True)
class _Armed:
    fault: Fault
    left: int
    skip: int


class Faults:
    """The rules in force. Rules are asked in the order in which they were armed; the first that hits is used up by one."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._armed: list[_Armed] = []
        self.struck: Final[dict[str, int]] = {}

    def arm(self, *faults: Fault) -> None:
        """Add rules."""
        self._armed.extend(_Armed(fault, fault.times, fault.skip) for fault in faults)

    def clear(self) -> None:
        """From here on nothing goes wrong."""
        self._armed.clear()

    @property
    def armed(self) -> Sequence[Fault]:
        """Rules that can still hit."""
        return tuple(each.fault for each in self._armed)

    def strike(self, kinds: frozenset[FaultKind], names: Sequence[str]) -> Fault | None:
        """The mishap for this message or call, if any."""
        for each in self._armed:
            if each.fault.kind not in kinds or (each.fault.on != "*" and each.fault.on not in names):
                continue
            if each.skip:
                each.skip -= 1
                continue
            if each.fault.chance < 1.0 and self._chance.random() >= each.fault.chance:
                continue
            each.left -= 1
            if not each.left:
                self._armed.remove(each)
            self.struck[each.fault.kind] = self.struck.get(each.fault.kind, 0) + 1
            return each.fault
        return None
