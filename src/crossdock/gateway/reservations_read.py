"""GET /v1/reservations/{key}: where a reservation's units are now."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from litestar import Request as HttpRequest
from litestar import get
from litestar.datastructures import State
from litestar.params import FromPath

from crossdock.gateway.keys import Scope
from crossdock.gateway.parts import caller_of, parts_of
from crossdock.gateway.problems import Problem
from crossdock.gateway.reservations import reservation_key, usable_key
from crossdock.inventory import service as inventory
from crossdock.orders import service as orders


class ClaimView(msgspec.Struct, frozen=True, kw_only=True):
    """Units at one location: `arrived = remaining + consumed + released + expired + moved`."""

    sku: str
    location: str
    basis: str
    """What they stand on: `goods`, receipts that are due by a day (`dated`), or nothing yet (`backorder`)."""
    due_by: datetime | None
    """By when the receipts are due."""
    arrived: Decimal
    remaining: Decimal
    consumed: Decimal
    released: Decimal
    expired: Decimal
    moved: Decimal


class ReservationView(msgspec.Struct, frozen=True, kw_only=True):
    """A reservation as it stands."""

    key: str
    state: str
    expires_at: datetime | None
    claims: list[ClaimView]
    order_id: str | None = None
    """The order that took it over: only that ends it."""


@get("/v1/reservations/{key:str}", summary="One reservation", opt={"scope": Scope.RESERVATIONS, "of_channels": True})
async def get_reservation(request: "HttpRequest[Any, Any, State]", state: State, key: FromPath[str]) -> ReservationView:
    """Where its units are now. Callers see their own reservations only."""
    parts = parts_of(state)
    name = reservation_key(caller_of(request), key)
    async with parts.reads.transaction() as tx:
        found = await inventory.find(tx, [name], now=parts.hub.clock.now()) if usable_key(key) else {}
        whose = await orders.orders_of(tx, [name]) if found else {}
    if name not in found:
        raise Problem("not-found", "there is no reservation of that key")
    reservation = found[name]
    return ReservationView(
        key=key,
        state=reservation.state.value,
        expires_at=next((claim.expires_at for claim in reservation.claims), None),
        claims=[
            ClaimView(
                sku=claim.sku,
                location=claim.location,
                basis=claim.basis.value,
                due_by=claim.due_by,
                arrived=claim.arrived,
                remaining=claim.remaining,
                consumed=claim.consumed,
                released=claim.released,
                expired=claim.expired,
                moved=claim.moved,
            )
            for claim in reservation.claims
        ],
        order_id=str(whose[name]) if name in whose else None,
    )
