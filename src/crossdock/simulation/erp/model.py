"""The retailer that is entered into the ERP: plain data, the same on every machine, so that a copy of it can be kept."""

import hashlib
from dataclasses import dataclass, fields
from decimal import Decimal
from enum import Enum
from typing import Final

_FORMAT: Final = 2
"""Raised whenever seeding writes something else for the same data, so that kept copies are made anew."""


class AccountKind(Enum):
    """What an account is; the value is its type in Tryton's universal chart."""

    CASH = "Cash and Cash Equivalents"
    TAX = "Liabilities and assets for current tax"
    REVENUE = "Revenue"
    EXPENSE = "Other expenses or losses"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSeed:
    """An account beside those of the universal chart."""

    code: str
    name: str
    kind: AccountKind


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxSeed:
    """A sales tax; *account* receives it."""

    code: str
    percent: Decimal
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemSeed:
    """Goods. *price* is without tax; *unit* is Tryton's symbol of a unit of measure."""

    sku: str
    name: str
    price: Decimal
    tax: str
    unit: str = "u"
    barcode: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSeed:
    """An item without stock, for charges and roundings on sales; *account* receives its revenue."""

    code: str
    name: str
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationSeed:
    """A warehouse. With zones, goods are picked into an output zone before they leave; without, they leave the floor."""

    code: str
    name: str
    zones: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StockSeed:
    """Opening stock of one item at one warehouse."""

    location: str
    sku: str
    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PartySeed:
    """A customer that stands for many."""

    code: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalSeed:
    """A journal of the general ledger."""

    code: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RetailerSeed:
    """Everything the ERP knows when the day begins."""

    company: str
    currency: str
    fiscal_years: tuple[int, ...]
    accounts: tuple[AccountSeed, ...]
    taxes: tuple[TaxSeed, ...]
    items: tuple[ItemSeed, ...]
    locations: tuple[LocationSeed, ...]
    stock: tuple[StockSeed, ...]
    journals: tuple[JournalSeed, ...]
    services: tuple[ServiceSeed, ...] = ()
    web_shop: str = "Web shop"
    web_customer: PartySeed = PartySeed(code="WEB", name="Web customer")
    walk_in: PartySeed = PartySeed(code="WALKIN", name="Walk-in customer")
    country: str = "US"
    sales_account: str = "4.1.1"
    """Revenue of goods, in the universal chart."""
    cost_account: str = "5.2.1"

    @property
    def digest(self) -> str:
        """Equal retailers have equal digests, on every machine and in every process."""
        said = "\n".join(f"{field.name}={getattr(self, field.name)!r}" for field in fields(self))
        return hashlib.sha256(f"{_FORMAT}\n{said}".encode()).hexdigest()[:16]
