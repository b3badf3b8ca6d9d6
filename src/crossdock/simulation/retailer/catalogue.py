"""Products, stores and taxes of the demo's retailer, derived from the source by stated rules."""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from crossdock.simulation.retailer.draw import draw
from crossdock.simulation.retailer.model import Dialect, Product, Store
from crossdock.simulation.retailer.source import Extract, SourceLine

CENT: Final = Decimal("0.01")
UNTAXED: Final = frozenset(
    {
        "GROCERY", "PRODUCE", "MEAT", "MEAT-PCKGD", "DELI", "PASTRY", "NUTRITION", "SEAFOOD", "SEAFOOD-PCKGD",
        "SALAD BAR", "RESTAURANT", "CHEF SHOPPE", "FROZEN GROCERY", "PROD-WHS SALES",
    }
)  # fmt: skip
TAXED_CATEGORIES: Final = ("SOFT DRINKS", "CANDY")
FREE: Final = "T0"
STANDARD: Final = "T7"
TAX_PERCENT: Final = {FREE: Decimal(0), STANDARD: Decimal(7)}
ZONES: Final = ("America/New_York", "America/Chicago")
DIALECTS: Final = (Dialect.POSLOG_2, Dialect.POSLOG_6, Dialect.NDJSON)
RECEIPTS_PER_TILL: Final = 40
TILLS_MAX: Final = 4


def cents(amount: int) -> Decimal:
    """An amount in cents as money."""
    return Decimal(amount).scaleb(-2)


def tax_within(amount: Decimal, percent: Decimal) -> Decimal:
    """The tax inside an amount that includes it, half to even on the cent; the rest is the net."""
    return (amount * percent / (100 + percent)).quantize(CENT, ROUND_HALF_EVEN)


def tax_upon(amount: Decimal, percent: Decimal) -> Decimal:
    """The tax to be added to an amount without it, half to even on the cent."""
    return (amount * percent / 100).quantize(CENT, ROUND_HALF_EVEN)


def list_price(line: SourceLine) -> Decimal:
    """The shelf price of one unit, before any discount; thirds of a cent occur ("3 for 5.00") and are kept to 1/10000."""
    return (cents(line.sales + line.retail + line.match) / line.quantity).quantize(Decimal("0.0001"))


def products(extract: Extract) -> tuple[Product, ...]:
    """The assortment. A product's price is its most frequent shelf price, the lower one if two are as frequent."""
    seen: dict[int, Counter[Decimal]] = {}
    for basket in extract.tills:
        for line in basket.lines:
            seen.setdefault(line.product, Counter())[list_price(line).quantize(CENT, ROUND_HALF_EVEN)] += 1
    return tuple(
        Product(
            sku=str(source.product),
            barcode=barcode(source.product),
            name=" ".join(f"{source.kind} {source.size}".split()),
            brand=source.brand,
            department=source.department,
            category=source.category,
            size=source.size,
            price=_most_frequent(seen[source.product]),
            tax_code=(code := tax_code(source.department, source.category)),
            tax_percent=TAX_PERCENT[code],
        )
        for source in extract.products
    )


def tax_code(department: str, category: str) -> str:
    """Food is free of tax, soft drinks and candy are not food."""
    return FREE if department in UNTAXED and not category.startswith(TAXED_CATEGORIES) else STANDARD


def _most_frequent(prices: Mapping[Decimal, int]) -> Decimal:
    return min(prices, key=lambda price: (-prices[price], price))


def barcode(product: int) -> str:
    """An EAN-13 of the range kept free for a shop's own numbering (20-29)."""
    body = f"20{product:010d}"
    weighted = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body))
    return f"{body}{-weighted % 10}"


def stores(extract: Extract) -> tuple[Store, ...]:
    """Busiest first. Every fifth store keeps Chicago time; the dialects go round."""
    busy = Counter(basket.store for basket in extract.tills)
    return tuple(
        Store(
            code=str(number),
            name=f"Store {number}",
            zone=ZONES[1] if place % 5 == 4 else ZONES[0],  # noqa: PLR2004 (every fifth)
            tills=tuple(str(till) for till in range(1, min(TILLS_MAX, 1 + busy[number] // RECEIPTS_PER_TILL) + 1)),
            dialect=DIALECTS[place % len(DIALECTS)],
        )
        for place, number in enumerate(extract.stores)
    )


def till_of(store: Store, seed: int, basket: int) -> str:
    """The till that a basket went through."""
    return store.tills[draw(seed, "till", basket) % len(store.tills)]


def by_sku(items: Sequence[Product]) -> dict[str, Product]:
    """Products by their number."""
    return {item.sku: item for item in items}
