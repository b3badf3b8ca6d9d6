"""What to begin now: pure packing of due intents into calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An intent that is due and first of its key."""

    id: UUID
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """How a kind travels on this connection."""

    batch_max: int
    serial: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """What is begun now; `unserved` cannot be carried by this connection at all."""

    batches: tuple[tuple[UUID, ...], ...]
    unserved: tuple[UUID, ...]


def pack(candidates: Sequence[Candidate], carriers: Mapping[str, Carrier], *, slots: int, serial_free: bool) -> Packed:
    """Fill at most *slots* batches, in the candidates' order; serial kinds share one place among them."""
    batches: list[list[UUID]] = []
    open_batches: dict[str, list[UUID]] = {}
    unserved: list[UUID] = []
    for candidate in candidates:
        carrier = carriers.get(candidate.kind)
        if carrier is None:
            unserved.append(candidate.id)
            continue
        batch = open_batches.get(candidate.kind)
        if batch is not None and len(batch) < carrier.batch_max:
            batch.append(candidate.id)
            continue
        if len(batches) >= slots or (carrier.serial and not serial_free):
            continue
        if carrier.serial:
            serial_free = False
        open_batches[candidate.kind] = [candidate.id]
        batches.append(open_batches[candidate.kind])
    return Packed(batches=tuple(tuple(batch) for batch in batches), unserved=tuple(unserved))


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look for what is due: which kinds it passes over, and how many it may begin and read."""

    leave: tuple[str, ...]
    slots: int
    batch_max: int


def looks(carriers: Mapping[str, Carrier], *, slots: int, serial_free: bool) -> Sequence[Look]:
    """Serial kinds are looked for apart: many of them must not hide what can go beside them.

    Each look names the most it may begin; all together begin at most *slots*. A single place goes to whatever is best.
    """
    serial = {kind: carrier for kind, carrier in carriers.items() if carrier.serial}
    others = {kind: carrier for kind, carrier in carriers.items() if not carrier.serial}
    if slots <= 0:
        return ()
    if slots == 1 and serial_free:
        return (Look(leave=(), slots=1, batch_max=_largest(carriers)),)
    found: list[Look] = []
    if serial and serial_free:
        found.append(Look(leave=tuple(others), slots=1, batch_max=_largest(serial)))
    if others or not serial:
        found.append(Look(leave=tuple(serial), slots=slots, batch_max=_largest(others)))
    return found


def _largest(carriers: Mapping[str, Carrier]) -> int:
    return max((carrier.batch_max for carrier in carriers.values()), default=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """How free places are divided."""

    intents: int
    publications: int


def share(free: int, publications_ready: int, *, publications_turn: bool) -> Shares:
    """State flows get a place of their own where there are several; a single place is taken in turns."""
    if free <= 0:
        return Shares(intents=0, publications=0)
    if free == 1 and publications_ready:
        return Shares(intents=0, publications=1) if publications_turn else Shares(intents=1, publications=0)
    publications = min(publications_ready, free // 2)
    return Shares(intents=free - publications, publications=publications)
