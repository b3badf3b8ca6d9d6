"""Ids that sort by time, and the only source of chance, so that a seed replays a run."""

import os
import random
import threading
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

_lock = threading.Lock()
_last_ms = 0
_sequence = 0
_SEQUENCE_MAX = 0xFFF
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562 §5.7, method 1: a 12-bit counter keeps ids of one process strictly rising).

    When more than 4096 are asked for in a millisecond the timestamp runs ahead of the wall clock by the overflow.
    """
    (made,) = new_ids(1)
    return made


def new_ids(count: int) -> list[UUID]:
    """Many of them, rising, for the price of one draw."""
    global _last_ms, _sequence  # noqa: PLW0603 (one counter per process is the point)
    drawn = os.urandom(8 * count)
    made = []
    with _lock:
        now_ms = time.time_ns() // 1_000_000
        for at in range(0, 8 * count, 8):
            if now_ms > _last_ms:
                _last_ms, _sequence = now_ms, 0
            elif _sequence < _SEQUENCE_MAX:
                _sequence += 1
            else:
                _last_ms, _sequence = _last_ms + 1, 0
            made.append(_compose(_last_ms, _sequence, int.from_bytes(drawn[at : at + 8], "big")))
    return made


def _compose(ms: int, sequence: int, tail: int) -> UUID:
    value = (ms & 0xFFFF_FFFF_FFFF) << 80
    value |= 0x7 << 76
    value |= (sequence & 0xFFF) << 64
    value |= 0b10 << 62
    value |= tail & 0x3FFF_FFFF_FFFF_FFFF
    return UUID(int=value)


def id_floor(moment: datetime) -> UUID:
    """The lowest UUIDv7 of *moment*: the bound for partitions and time ranges over ids."""
    return _compose((moment - _EPOCH) // _MS, 0, 0)


def id_moment(value: UUID) -> datetime:
    """When a UUIDv7 was made, to the millisecond."""
    return _EPOCH + (value.int >> 80) * _MS


def randomness(seed: int | None = None) -> random.Random:
    """A generator of its own for jitter and rehearsals; never for secrets (use the `secrets` module there)."""
    return random.Random(seed)  # noqa: S311 (jitter and seeds, not secrets)
