"""Web orders: real baskets of other stores, ordered by people who do not exist."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from crossdock.simulation.retailer.catalogue import tax_upon, tax_within
from crossdock.simulation.retailer.draw import draw, pick
from crossdock.simulation.retailer.model import Customer, DayRules, Product, WebLine, WebOrder
from crossdock.simulation.retailer.receipts import day_bounds
from crossdock.simulation.retailer.source import Extract, SourceBasket, SourceLine

FIRST_NAMES: Final = (
    "Ada", "Bram", "Cleo", "Dov", "Edda", "Fenn", "Gwen", "Hale", "Ines", "Joss", "Kaia", "Lorn",
    "Mira", "Noor", "Otis", "Pia", "Quin", "Rhea", "Sol", "Tess", "Udo", "Vera", "Wren", "Yael",
)  # fmt: skip
LAST_NAMES: Final = (
    "Appleyard", "Breadwell", "Crumb", "Dillweed", "Eggleston", "Figtree", "Gingerly", "Honeydew", "Icing",
    "Juniper", "Kettle", "Lemonby", "Mustardson", "Nutley", "Oatman", "Peppercorn", "Quincewood", "Ryebank",
    "Saltmarsh", "Turnipseed", "Underleaf", "Vanillo", "Walnutt", "Yeastley",
)  # fmt: skip
STREETS: Final = ("Imaginary Way", "Sample Street", "Pretend Place", "Fictional Avenue", "Make-Believe Road")
TOWNS: Final = ("Exampleton", "Testford", "Demo Falls", "Placeholder Springs")


def web_orders(rules: DayRules, extract: Extract, items: Mapping[str, Product]) -> tuple[WebOrder, ...]:
    """As many baskets as asked for (or as there are), drawn by seed, numbered in the order of time."""
    drawn = sorted(extract.web, key=lambda basket: draw(rules.seed, "web", basket.basket))[: rules.web_orders]
    in_time = sorted(drawn, key=lambda basket: (basket.second, basket.basket))
    return tuple(_order(rules, 1000 + place, basket, items) for place, basket in enumerate(in_time, 1))


def _order(rules: DayRules, number: int, basket: SourceBasket, items: Mapping[str, Product]) -> WebOrder:
    opens, _ = day_bounds(rules)
    return WebOrder(
        number=number,
        placed_at=opens + timedelta(seconds=basket.second),
        customer=customer(rules.seed, basket.household),
        lines=tuple(_line(rules, line, items[str(line.product)]) for line in basket.lines),
        prices_include_tax=rules.web_prices_include_tax,
    )


def _line(rules: DayRules, line: SourceLine, product: Product) -> WebLine:
    """The shelf price, whatever the basket paid at the till. Without tax it is the shelf price less its tax."""
    percent = product.tax_percent
    if rules.web_prices_include_tax:
        unit_price = product.price
        amount = unit_price * line.quantity
        tax = tax_within(amount, percent)
    else:
        unit_price = product.price - tax_within(product.price, percent)
        amount = unit_price * line.quantity
        tax = tax_upon(amount, percent)
    return WebLine(
        sku=product.sku,
        name=product.name,
        quantity=line.quantity,
        unit_price=unit_price,
        amount=amount,
        tax_code=product.tax_code,
        tax_percent=percent,
        tax=tax,
    )


def customer(seed: int, household: int) -> Customer:
    """The same person for the same household. Mail, telephone and postcode are of the ranges kept for examples."""
    first = pick(FIRST_NAMES, seed, "first name", household)
    last = pick(LAST_NAMES, seed, "last name", household)
    return Customer(
        number=f"H{household}",
        first_name=first,
        last_name=last,
        email=f"{first}.{last}.{household}@example.com".lower(),
        phone=f"+1 614 555 01{draw(seed, 'phone', household) % 100:02d}",
        street=f"{draw(seed, 'house', household) % 900 + 1} {pick(STREETS, seed, 'street', household)}",
        city=pick(TOWNS, seed, "town", household),
        postcode=f"000{draw(seed, 'postcode', household) % 90 + 10}",
        region="OH",
        country="US",
    )
