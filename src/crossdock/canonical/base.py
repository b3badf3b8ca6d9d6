"""Building blocks: typed ids, checked decimals, the base of every document."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Final, NewType
from uuid import UUID

import msgspec
from babel.numbers import list_currencies

from crossdock.canonical.cards import masked

_UNSEEN: Final = r"\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff"
"""Control characters, and those that take no room or turn the writing round: two codes would look alike."""
Code = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=64,
        pattern=rf"^(?!\s)(?!.*\s$)[^{_UNSEEN}]+$",
        extra={"wanted": "an identifier without blanks at its ends and without control or invisible characters"},
    ),
]
"""A short identifier. Those in the log are checked like those that come in: what came in is what is kept."""
OptionalCode = Annotated[
    str,
    msgspec.Meta(
        max_length=500,
        pattern=rf"^[^{_UNSEEN}]*(?!\n)$",
        extra={"wanted": "an identifier without control or invisible characters"},
    ),
]
"""The same where it may be empty."""

CATEGORY_MAX: Final = 200
CategoryPath = Annotated[
    str,
    msgspec.Meta(
        max_length=CATEGORY_MAX,
        pattern=r"^([^\s.]+( [^\s.]+)*(\.[^\s.]+( [^\s.]+)*)*)?(?!\n)$",
        extra={"wanted": "names divided by single points, like food.dairy.milk"},
    ),
]
"""Where an item belongs, from the general to the particular: `food.dairy.milk`. Empty: nowhere."""

Sku = NewType("Sku", Code)
LocationCode = NewType("LocationCode", Code)
ChannelCode = NewType("ChannelCode", Code)
ConnectionName = NewType("ConnectionName", str)
ChannelOrderId = NewType("ChannelOrderId", Code)
"""The order's id in the channel's own words; unique per connection."""
OrderId = NewType("OrderId", UUID)
FulfilmentId = NewType("FulfilmentId", UUID)
ReservationKey = NewType("ReservationKey", str)
IntentId = NewType("IntentId", UUID)
ExceptionId = NewType("ExceptionId", UUID)

Text = Annotated[str, msgspec.Meta(max_length=500)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""A time with its zone: one without is refused where it is read, one outside `MOMENT_FIRST … MOMENT_END` by its document."""
MOMENT_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
MOMENT_END: Final = datetime(2200, 1, 1, tzinfo=UTC)
"""No shop traded before or will trade after: such a time is a slip, and at the ends of the calendar no reader could hold it."""
YEARS: Final = "between 1970 and 2199"

DIGITS_MAX: Final = 18
PLACES_MAX: Final = 6
PLACES_WRITTEN_MAX: Final = 100
"""Zeros behind the last place mean nothing and are welcome, but not by the million."""
CURRENCIES: Final = frozenset(list_currencies())
"""ISO 4217 codes (CLDR's list, so withdrawn ones are known too)."""


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of what the hub stores and sends: immutable, strict about unknown fields, compact when written."""


def mask(document: Document, field: str) -> None:
    """Take card numbers out of a text before anybody can store it; the sealed raw message alone keeps what came."""
    said = getattr(document, field)
    shown = masked(said)
    if shown != said:
        msgspec.structs.force_setattr(document, field, shown)


def check_finite(value: Decimal, name: str) -> None:
    """Refuse NaN and infinities: for sums of our own, which may outgrow what one message may say."""
    if not value.is_finite():
        raise ValueError(f"`{name}` must be a finite number")


def check_decimal(value: Decimal, name: str) -> None:
    """Refuse NaN, infinities and numbers that no shop could mean: the database holds numeric(24,6)."""
    check_finite(value, name)
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    if value.adjusted() >= DIGITS_MAX:
        raise ValueError(f"`{name}` has more than {DIGITS_MAX} digits")
    if -exponent > PLACES_WRITTEN_MAX or (-exponent > PLACES_MAX and value != round(value, PLACES_MAX)):
        raise ValueError(f"`{name}` has more than {PLACES_MAX} decimal places")


def check_not_negative(value: Decimal, name: str) -> None:
    """Finite and at least zero."""
    check_decimal(value, name)
    if value < 0:
        raise ValueError(f"`{name}` must not be negative")


def check_positive(value: Decimal, name: str) -> None:
    """Finite and above zero."""
    check_decimal(value, name)
    if value <= 0:
        raise ValueError(f"`{name}` must be greater than 0")


def is_possible(value: date) -> bool:
    """Does a day, or an aware time, lie where trade can be? Times are compared, not converted: none overflows."""
    if isinstance(value, datetime):
        return MOMENT_FIRST <= value < MOMENT_END
    return MOMENT_FIRST.date() <= value < MOMENT_END.date()


def check_moment(value: datetime | None, name: str) -> None:
    """Refuse a time without a zone (nobody knows when that was) and one at which nobody can have traded."""
    if value is None:
        return
    if value.tzinfo is None:
        raise ValueError(f"`{name}` needs a time zone, e.g. 2026-11-27T09:00:00Z")
    if not is_possible(value):
        raise ValueError(f"`{name}` must lie {YEARS}")


def check_day(value: date | None, name: str) -> None:
    """Refuse a day on which nobody can have traded."""
    if value is not None and not is_possible(value):
        raise ValueError(f"`{name}` must lie {YEARS}")


def check_currency(value: str, name: str = "currency") -> None:
    """Refuse what is not an ISO 4217 code."""
    if value not in CURRENCIES:
        raise ValueError(f"`{name}` must be an ISO 4217 currency code like EUR, got {value[:10]!a}")


def check_once(names: Sequence[str], place: str) -> None:
    """Refuse a name that stands twice; *place* says where the names stand: `lines[{}].sku`."""
    if len(set(names)) == len(names):
        return
    at = next(at for at, name in enumerate(names) if name in names[:at])
    first = place.format(names.index(names[at]))
    raise ValueError(f"`{place.format(at)}` is the same as {first}: each may stand once, got {names[at][:64]!a}")


_WHOLE: Final = 10**DIGITS_MAX


def _written(sign: str, bounds: "dict[str, object]", check: Callable[[Decimal, str], None]) -> msgspec.Meta:
    """How JSON Schema says what `check_decimal` and its like check: text or number, digits, places, sign."""
    digits = rf"(0*[0-9]{{1,{DIGITS_MAX}}}(\.[0-9]{{0,{PLACES_MAX}}}0*)?|\.[0-9]{{1,{PLACES_MAX}}}0*)"
    limits: dict[str, object] = {"exclusiveMaximum": _WHOLE, **bounds}
    return msgspec.Meta(
        extra={"check": check},
        extra_json_schema={
            "pattern": f"^{sign}{digits}([eE][+-]?[0-9]{{1,2}})?$",
            **limits,
        },
    )


Number = Annotated[Decimal, _written("[+-]?", {"exclusiveMinimum": -_WHOLE}, check_decimal)]
"""A decimal of either sign: `check_decimal`."""
NotNegative = Annotated[Decimal, _written(r"\+?", {"minimum": 0}, check_not_negative)]
"""`check_not_negative`."""
Positive = Annotated[Decimal, _written(r"\+?(?=.*[1-9])", {"exclusiveMinimum": 0}, check_positive)]
"""`check_positive`."""
Currency = Annotated[
    str,
    msgspec.Meta(
        extra={"wanted": "an ISO 4217 currency code like EUR", "check": check_currency},
        extra_json_schema={"pattern": "^[A-Z]{3}$"},
    ),
]
"""`check_currency`."""


class Tax(Document, frozen=True):
    """One tax on a line or charge. `code` is the sender's; the estate's lookup maps it to the ERP's."""

    code: Code
    amount: Number
    rate: NotNegative | None = None
    """Percent, e.g. 19 or 6.25."""

    def __post_init__(self) -> None:
        check_decimal(self.amount, "amount")
        if self.rate is not None:
            check_not_negative(self.rate, "rate")
