"""What becomes of claims whose goods are gone."""

from dataclasses import dataclass
from decimal import Decimal

from crossdock.canonical.base import ReservationKey
from crossdock.inventory.model import PositionKey
from crossdock.inventory.reservations.model import ClaimKind, Grant


@dataclass(frozen=True, slots=True, kw_only=True)
class GaveWay:
    """Units that stood on goods which are not there stand elsewhere now, or wait where they stood."""

    key: ReservationKey
    kind: ClaimKind
    position: PositionKey
    moved: tuple[Grant, ...]
    """Onto goods at other places."""
    waiting: Decimal
    """Without goods."""
