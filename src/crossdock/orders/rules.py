"""Pure decisions about orders: what news means, what does not let an order be placed, how units move."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from crossdock.canonical.base import DIGITS_MAX, Sku
from crossdock.canonical.intents import SaleLine
from crossdock.canonical.orders import Charge, Mode, OrderChanged, OrderLine, OrderPlaced, PaymentStatus
from crossdock.estate.model import Estate
from crossdock.orders.amounts import rules as amounts
from crossdock.orders.model import RECHECK, ZERO, Finding, Header, Hold, HoldCode, Order, Part, Vector
from crossdock.orders.states import PAYMENTS, UnitFact, after

PLACEABLE: Final = frozenset({PaymentStatus.AUTHORISED, PaymentStatus.PAID})
RECHECKED: Final = frozenset(
    {
        HoldCode.UNKNOWN_CHANNEL,
        HoldCode.UNKNOWN_LOCATION,
        HoldCode.UNKNOWN_SKU,
        HoldCode.CURRENCY,
        HoldCode.TOTAL_MISMATCH,
        HoldCode.PAYMENT,
        HoldCode.PAYMENT_MISMATCH,
        HoldCode.AMOUNTS,
        HoldCode.FRACTION,
    }
)
"""Holds that go by themselves when their reason is gone. The others wait for a person."""
WAIVABLE: Final = frozenset(
    {
        HoldCode.TOTAL_MISMATCH,
        HoldCode.PAYMENT,
        HoldCode.PAYMENT_MISMATCH,
        HoldCode.AMOUNTS,
        HoldCode.FRACTION,
    }
)
"""Rechecked holds that a person may overrule: the same reason does not hold the order a second time."""
DIFFERENCE_CHARS_MAX: Final = 480
UNITS_MAX: Final = Decimal(10) ** DIGITS_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a message says about a known order. None is "not told", which is not the same as "nothing"."""

    at: datetime
    payment_status: PaymentStatus | None = None
    cancelled_at: datetime | None = None
    lines: tuple[OrderLine, ...] | None = None
    total: Decimal | None = None
    address_mark: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the news does to the order."""

    payment_status: PaymentStatus | None = None
    """The new status, when it changes."""
    payment_at: datetime
    revised_at: datetime
    cancelled_at: datetime | None = None
    """Told, and the order was not cancelled before."""
    tells_content: bool
    """Does it say what the order consists of, and is that no older than what is known?"""


def news_of(order: OrderPlaced, address_mark: bytes | None) -> News:
    """A whole order read as news about itself."""
    return News(
        at=revision_of(order),
        payment_status=order.payment_status,
        cancelled_at=order.cancelled_at,
        lines=order.lines,
        total=order.total,
        address_mark=address_mark,
    )


def news_of_change(change: OrderChanged) -> News:
    """A change read as news."""
    return News(
        at=change.updated_at,
        payment_status=change.payment_status,
        cancelled_at=change.cancelled_at,
        lines=change.lines,
        total=change.total,
    )


def revision_of(order: OrderPlaced) -> datetime:
    """The moment of the channel's state that the document shows."""
    return order.updated_at or order.placed_at


def read_news(header: Header, news: News) -> Reading:
    """Understand *news*. Payment and content go by the channel's time; a cancellation is never too old to count."""
    tells_content = news.lines is not None or news.total is not None or news.address_mark is not None
    return Reading(
        payment_status=_payment(header, news),
        payment_at=header.payment_at if news.payment_status is None else max(header.payment_at, news.at),
        revised_at=max(header.revised_at, news.at) if tells_content else header.revised_at,
        cancelled_at=news.cancelled_at if header.cancelled_at is None else None,
        tells_content=tells_content and news.at >= header.revised_at,
    )


def _payment(header: Header, news: News) -> PaymentStatus | None:
    if news.payment_status is None or news.at < header.payment_at:
        return None
    told = news.payment_status
    status = PAYMENTS[header.payment_status, told] if news.at == header.payment_at else told
    return status if status is not header.payment_status else None


def findings(order: Order, estate: Estate, known: Collection[Sku], whole: Collection[Sku] = ()) -> tuple[Finding, ...]:
    """Everything that does not let *order* be placed, at most one of each kind. Items in *whole* are counted one by one."""
    channel = estate.channel(order.header.channel)
    if channel is None:
        return (Finding(HoldCode.UNKNOWN_CHANNEL, f"the estate has no channel {order.header.channel}", "$.channel"),)
    found = (
        _currency(order.header, channel.currency),
        _location(order.header, estate),
        _skus(order, known),
        _quantities(order),
        amounts.total(order, channel.rounding_tolerance),
        amounts.payments(order, channel.rounding_tolerance),
        amounts.amounts(order),
        amounts.fractions(order, whole),
        _paid(order.header),
    )
    return tuple(finding for finding in found if finding is not None)


def _currency(header: Header, currency: str) -> Finding | None:
    if header.currency == currency:
        return None
    reason = f"the order is in {header.currency}, the channel {header.channel} sells in {currency}"
    return Finding(HoldCode.CURRENCY, reason, "$.currency")


def _location(header: Header, estate: Estate) -> Finding | None:
    if header.mode is Mode.PICKUP:
        location = estate.location(header.pickup_location or "")
        if location is not None and location.active and Mode.PICKUP in location.modes:
            return None
        reason = f"{header.pickup_location} is not an active location where customers collect"
        return Finding(HoldCode.UNKNOWN_LOCATION, reason, "$.pickup_location")
    if servants(header, estate):
        return None
    reason = f"no active location of the pool of {header.channel} does {header.mode.value}"
    return Finding(HoldCode.UNKNOWN_LOCATION, reason, "$.channel")


def servants(header: Header, estate: Estate) -> tuple[str, ...]:
    """Locations that may serve the order, best first: the pickup location alone, else the channel's pool."""
    channel = estate.channel(header.channel)
    if header.mode is Mode.PICKUP:
        pool: tuple[str, ...] = () if header.pickup_location is None else (header.pickup_location,)
    else:
        pool = () if channel is None else estate.pool_of(channel).locations
    locations = ((code, estate.location(code)) for code in pool)
    return tuple(code for code, location in locations if location and location.active and header.mode in location.modes)


def _skus(order: Order, known: Collection[Sku]) -> Finding | None:
    unknown = [line for line in order.lines if Sku(line.sku) not in known]
    if not unknown:
        return None
    names = ", ".join(dict.fromkeys(line.sku for line in unknown))
    return Finding(
        HoldCode.UNKNOWN_SKU, f"no item {names}"[:DIFFERENCE_CHARS_MAX], f"$.lines[{unknown[0].position}].sku"
    )


def _quantities(order: Order) -> Finding | None:
    """Each line was checked alone; together they must still fit the books."""
    ordered = sum((line.ordered for line in order.lines), ZERO)
    if ordered < UNITS_MAX:
        return None
    return Finding(HoldCode.UNPLACEABLE, f"{plain(ordered)} units are more than the books hold", "$.lines")


def _paid(header: Header) -> Finding | None:
    if header.payment_status in PLACEABLE:
        return None
    return Finding(HoldCode.PAYMENT, f"payment is {header.payment_status.value}", "$.payment_status")


def charge_lines(charges: Sequence[Charge]) -> tuple[SaleLine, ...]:
    """Charges as lines of a sale document: no sku, and a line id that no order line has."""
    return tuple(
        SaleLine(
            line_id=f"charge {at}",
            quantity=Decimal(1),
            unit_price=charge.amount,
            charge=charge.code,
            discount=charge.discount,
            taxes=charge.taxes,
        )
        for at, charge in enumerate(charges, start=1)
    )


@dataclass(frozen=True, slots=True)
class Review:
    """How the holds of an order must change."""

    place: tuple[Finding, ...]
    release: tuple[HoldCode, ...]
    standing: tuple[HoldCode, ...]
    """What holds the order afterwards."""


def review(holds: Sequence[Hold], found: Sequence[Finding]) -> Review:
    """Compare what is found with what stands. What a person has overruled does not hold again for the same reason."""
    by_people = [hold for hold in holds if not hold.stands and hold.released_by != RECHECK]
    overruled = {(hold.hold, hold.reason) for hold in by_people if hold.hold in WAIVABLE}
    counted = [finding for finding in found if (finding.hold, finding.reason) not in overruled]
    codes = {finding.hold for finding in counted}
    standing = {hold.hold: hold.reason for hold in holds if hold.stands}
    gone = tuple(code for code in standing if code in RECHECKED and code not in codes)
    return Review(
        place=tuple(finding for finding in counted if standing.get(finding.hold) != finding.reason),
        release=gone,
        standing=tuple(sorted({*standing, *codes} - set(gone))),
    )


def moved(vector: Vector, fact: UnitFact, quantity: Decimal, *, out_of: Sequence[Part]) -> Vector:
    """Let *fact* happen to *quantity* units, taken from the parts *out_of* in that order; they must be there."""
    missing = quantity
    for part in out_of:
        target = after(part, fact)
        assert target is not None, (part, fact)
        units = min(missing, vector.of(part))
        vector = vector.moved(part, target, units)
        missing -= units
    assert not missing, (vector, fact, quantity)
    return vector


def plain(value: Decimal) -> str:
    """A number as people write it: no trailing zeros, no exponent."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
