"""Idempotency keys of a batch: what was done under a key is done once."""

from collections.abc import Iterable
from datetime import datetime
from typing import Self

from crossdock.foundation.db import Tx
from crossdock.inventory import store
from crossdock.inventory.model import AlreadyRecorded, KeyReused, MovementKey


class Operations:
    """The keys of one batch, taken for its transaction."""

    def __init__(self, known: dict[str, bytes]) -> None:
        self._known = known
        self._undone: list[MovementKey] = []

    @classmethod
    async def begin(cls, tx: Tx, prints: Iterable[tuple[MovementKey, bytes]], now: datetime) -> Self:
        """Take the keys; waits for another transaction that is using one of them."""
        wanted: dict[str, bytes] = {}
        for key, meaning in prints:
            wanted.setdefault(key, meaning)
        return cls(dict(await store.begin_operations(tx, wanted, now)) if wanted else {})

    def admit(self, key: MovementKey, meaning: bytes) -> AlreadyRecorded | KeyReused | None:
        """None the first time: go on. Afterwards the answer for who comes again."""
        known = self._known.setdefault(key, b"")
        if not known:
            self._known[key] = meaning
            return None
        return AlreadyRecorded(key) if known == meaning else KeyReused(key)

    def undone(self, key: MovementKey) -> None:
        """Nothing was done under the key after all: it may be used again."""
        self._known[key] = b""
        self._undone.append(key)

    async def close(self, tx: Tx) -> None:
        """Give back the keys under which nothing was done."""
        unused = [key for key in self._undone if not self._known[key]]
        if unused:
            await store.forget_operations(tx, unused)
