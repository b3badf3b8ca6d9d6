"""Who comes first when goods do not suffice for all. Pure."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from crossdock.inventory.reservations.model import Claim, ClaimKind
from crossdock.inventory.waiting.model import Basis, Promise


@dataclass(frozen=True, slots=True)
class Ranked:
    """A standing claim with what ranks it among others."""

    claim: Claim
    promise: Promise

    @property
    def rank(self) -> tuple[bool, datetime, Decimal, Decimal, str, bool]:
        """Smaller comes first: placed orders before carts, then day, worth and penalty of the promise."""
        promised_at, worth, penalty = self.promise
        cart, queued = self.claim.kind is ClaimKind.HOLD, self.claim.basis is Basis.BACKORDER
        return cart, promised_at, -worth, -penalty, self.claim.key, queued
