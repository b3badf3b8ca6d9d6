"""Decisions about budgets and circuits: pure arithmetic on data, times are monotonic seconds given by the caller."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from crossdock.connections.model import Breaker, BreakerState, Bucket
from crossdock.connections.states import BREAKER, Signal

THROTTLED: Final = frozenset({429, 430})
SERVER_ERROR: Final = 500
PAUSE_DEFAULT: Final = timedelta(seconds=2)
"""For a vendor that says "too many" without saying how long."""
PAUSE_MAX: Final = timedelta(hours=1)
GRAIN: Final = 1e-9
"""Share of a bucket that counts as there: what rounding leaves missing would be waited for in steps of no length."""
_SECONDS: Final = re.compile(r"\d{1,6}(\.\d{1,3})?")


# --- buckets -------------------------------------------------------------------------------------------------------


def filled(bucket: Bucket, now_s: float) -> Bucket:
    """The bucket as it stands at *now_s*; a clock that seems to go back adds nothing."""
    elapsed_s = max(0.0, now_s - bucket.at_s)
    return replace(bucket, level=min(bucket.size, bucket.level + elapsed_s * bucket.per_s), at_s=now_s)


def wait_s(bucket: Bucket, cost: float, now_s: float) -> float:
    """How long until *cost* is there. A cost above the size waits for a full bucket: it could never be met otherwise."""
    missing = min(cost, bucket.size) - filled(bucket, now_s).level
    return missing / bucket.per_s if missing > GRAIN * bucket.size else 0.0


def spent(bucket: Bucket, cost: float, now_s: float) -> Bucket:
    """The bucket after *cost* was taken; a cost above the size leaves a debt."""
    now_filled = filled(bucket, now_s)
    return replace(now_filled, level=now_filled.level - cost)


def reported(bucket: Bucket | None, available: float, per_s: float, in_flight: float, now_s: float) -> Bucket:
    """The vendor's own figures replace ours, less what is on its way and which it may not have counted yet."""
    size = max(available, bucket.size if bucket is not None else 0.0)
    rate = per_s if per_s > 0 else (bucket.per_s if bucket is not None else 1.0)
    return Bucket(size=size, per_s=rate, level=available - in_flight, at_s=now_s)


# --- circuit -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerTerms:
    """When to open and how long to stay open."""

    failures_max: int = 5
    open_first_s: float = 1.0
    open_max_s: float = 60.0


def after(breaker: Breaker, signal: Signal, terms: BreakerTerms, now_s: float, chance: float) -> Breaker:
    """The breaker after *signal*. *chance* in [0, 1) spreads the reopening of many hubs over half of the wait."""
    if signal is Signal.FAILED and breaker.failures + 1 >= terms.failures_max:
        signal = Signal.TRIPPED
    state = BREAKER[breaker.state, signal]
    match signal:
        case Signal.ANSWERED:
            late = breaker.state is BreakerState.OPEN
            return breaker if late else Breaker()
        case Signal.COOLED:
            return replace(breaker, state=state)
        case Signal.FAILED | Signal.TRIPPED:
            failures = breaker.failures + 1
            if state is BreakerState.OPEN and breaker.state is not BreakerState.OPEN:
                wait = min(terms.open_max_s, terms.open_first_s * 2.0 ** min(breaker.openings, 32))
                until = now_s + wait * (0.5 + chance / 2)
                return Breaker(state=state, failures=failures, openings=breaker.openings + 1, open_until_s=until)
            return replace(breaker, state=state, failures=failures)


def means_down(status: int) -> bool:
    """Does this status say that the system itself is in trouble, rather than our request?"""
    return status >= SERVER_ERROR


# --- throttling ----------------------------------------------------------------------------------------------------


def pause_asked(status: int, headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """How long the other side wants silence: `Retry-After` as seconds or as a date; None when it does not ask."""
    asked = headers.get("retry-after", "").strip()
    if status not in THROTTLED and not (asked and status == SERVER_ERROR + 3):
        return None
    wait = PAUSE_DEFAULT
    if _SECONDS.fullmatch(asked):
        wait = timedelta(seconds=float(asked))
    elif asked:
        wait = _until(asked, now)
    return max(timedelta(0), min(wait, PAUSE_MAX))


def _until(text: str, now: datetime) -> timedelta:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return PAUSE_DEFAULT
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return aware - now
