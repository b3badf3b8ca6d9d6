"""What becomes of one claim. Pure."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from crossdock.canonical.base import ReservationKey
from crossdock.canonical.stock import MovementKind
from crossdock.inventory.model import ZERO, Account, Posting
from crossdock.inventory.reservations.model import Claim, ClaimKind, Ground
from crossdock.inventory.waiting.model import Basis


def fresh_claim(
    key: ReservationKey,
    ground: Ground,
    kind: ClaimKind,
    expires_at: datetime | None,
    *,
    arrived: Decimal,
    granted: Decimal = ZERO,
    due_by: datetime | None = None,
) -> Claim:
    """A claim that nothing has happened to yet."""
    position, basis = ground
    return Claim(
        key=key,
        sku=position.sku,
        location=position.location,
        condition=position.condition,
        kind=kind,
        expires_at=expires_at,
        granted=granted,
        arrived=arrived,
        remaining=arrived,
        basis=basis,
        due_by=due_by,
    )


def given_back(claim: Claim, units: Decimal, now: datetime, reason: str, correlation_id: UUID | None) -> Posting:
    """The entry that takes units from a claim: to sellable stock if it stood on goods, else from nowhere to nowhere."""
    kind = MovementKind.HOLD_RELEASE if claim.kind is ClaimKind.HOLD else MovementKind.RELEASE
    return Posting(claim.position, kind, claim.account, freed_to(claim), units, claim.key, now, reason, correlation_id)


def freed_to(claim: Claim) -> Account:
    """Where a claim's units go when nobody claims them any more."""
    return Account.AVAILABLE if claim.basis is Basis.GOODS else Account.OUTSIDE


def left_behind(claim: Claim, units: Decimal) -> Claim:
    """A claim after units of it went to other ground."""
    return replace(claim, remaining=claim.remaining - units, moved=claim.moved + units)


def arrived(
    source: Claim, ground: Ground, there: Claim | None, units: Decimal, *, due_by: datetime | None = None
) -> Claim:
    """The reservation's claim on *ground* after units of *source* came to it; *there* is what it was.

    One claim has one day: receipts that are due by the later of two days serve both.
    """
    if there is None:
        return fresh_claim(source.key, ground, source.kind, source.expires_at, arrived=units, due_by=due_by)
    days = [day for day in (there.due_by if there.remaining else None, due_by) if day is not None]
    return replace(
        there,
        kind=source.kind,
        expires_at=source.expires_at,
        arrived=there.arrived + units,
        remaining=there.remaining + units,
        due_by=max(days) if days else there.due_by,
    )
