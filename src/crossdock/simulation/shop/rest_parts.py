"""How webhook bodies spell money, times and people."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Final, TypeAlias

from crossdock.simulation.shop.books import Books
from crossdock.simulation.shop.model import Address, Customer, Order
from crossdock.simulation.shop.pricing import rounded

Json: TypeAlias = "bool | int | str | Decimal | Sequence[Json] | Mapping[str, Json] | None"
ZERO: Final = Decimal(0)


def gid(kind: str, number: int) -> str:
    """The vendor's global id."""
    return f"gid://shopify/{kind}/{number}"


class Writer:
    """Values as this order's bodies spell them: its two currencies, the shop's own time zone."""

    def __init__(self, books: Books, order: Order) -> None:
        self._books = books
        self._order = order

    def time(self, moment: datetime | None) -> str | None:
        return None if moment is None else shop_time(self._books, moment)

    def money(self, amount: Decimal) -> str:
        return format(rounded(amount, self._order.currency), "f")

    def both(self, amount: Decimal) -> Json:
        order = self._order
        presented = rounded(amount * order.presentment_rate, order.presentment_currency)
        return {
            "shop_money": {"amount": self.money(amount), "currency_code": order.currency},
            "presentment_money": {"amount": format(presented, "f"), "currency_code": order.presentment_currency},
        }

    def pair(self, name: str, amount: Decimal) -> Mapping[str, Json]:
        return {name: self.money(amount), f"{name}_set": self.both(amount)}

    def tax_lines(self, amounts: Sequence[tuple[Decimal, Decimal]]) -> list[Json]:
        """From (rate, amount): one entry per rate, none for untaxed goods."""
        by_rate: dict[Decimal, Decimal] = {}
        for rate, amount in amounts:
            by_rate[rate] = by_rate.get(rate, ZERO) + amount
        return [
            {"channel_liable": None, **self.pair("price", amount), "rate": rate, "title": "Tax"}
            for rate, amount in by_rate.items()
            if rate
        ]


def shop_time(books: Books, moment: datetime) -> str:
    """In the shop's time zone with its offset, as REST bodies spell times."""
    zone = timezone(timedelta(minutes=books.seed.utc_offset_minutes))
    return moment.astimezone(zone).isoformat(timespec="seconds")


def address_body(address: Address) -> Json:
    """Where a parcel goes."""
    return {
        "first_name": address.first_name,
        "address1": address.address1,
        "phone": address.phone or None,
        "city": address.city,
        "zip": address.zip,
        "province": address.province or None,
        "country": address.country,
        "last_name": address.last_name,
        "address2": None,
        "company": None,
        "latitude": None,
        "longitude": None,
        "name": address.name,
        "country_code": address.country_code,
        "province_code": address.province_code or None,
    }


def customer_body(books: Books, customer: Customer, currency: str) -> Json:
    """Who bought, as part of an order."""
    address = customer.address
    return {
        "id": customer.id,
        "email": customer.email,
        "created_at": shop_time(books, customer.created_at),
        "updated_at": shop_time(books, customer.created_at),
        "first_name": address.first_name,
        "last_name": address.last_name,
        "state": "disabled",
        "note": None,
        "verified_email": True,
        "multipass_identifier": None,
        "tax_exempt": False,
        "phone": None,
        "email_marketing_consent": {"state": "not_subscribed", "opt_in_level": None, "consent_updated_at": None},
        "sms_marketing_consent": None,
        "tags": "",
        "currency": currency,
        "tax_exemptions": [],
        "admin_graphql_api_id": gid("Customer", customer.id),
        "default_address": {
            "id": customer.id,
            "customer_id": customer.id,
            "first_name": address.first_name,
            "last_name": address.last_name,
            "company": None,
            "address1": address.address1,
            "address2": None,
            "city": address.city,
            "province": address.province or None,
            "country": address.country,
            "zip": address.zip,
            "phone": address.phone or None,
            "name": address.name,
            "province_code": address.province_code or None,
            "country_code": address.country_code,
            "country_name": address.country,
            "default": True,
        },
    }
