"""Customers from a seed: baskets of what the storefront shows, now and then with a discount or an open payment."""

from decimal import Decimal
from random import Random
from typing import Final, Literal

from crossdock.simulation.shop.ordering import Purchase, PurchaseLine
from crossdock.simulation.shop.shop import Shop

DISCOUNT_CHANCE: Final = 0.2
OPEN_PAYMENT_CHANCE: Final = 0.1
SHIPPING: Final = (Decimal(0), Decimal("4.90"), Decimal("7.50"))


class Shopper:
    """Fills baskets. What it picks depends on the seed and on what is on show, nothing else."""

    def __init__(self, shop: Shop, chance: Random, *, lines_max: int = 4, units_max: int = 3) -> None:
        assert lines_max > 0, lines_max
        assert units_max > 0, units_max
        self._shop = shop
        self._chance = chance
        self._lines_max = lines_max
        self._units_max = units_max

    def basket(self) -> Purchase | None:
        """A purchase that the shop believes it can serve; None when nothing is on show."""
        stock, variants = self._shop.books.stock, self._shop.books.catalogue.by_sku
        shown = [(variant, stock.available(variant)) for variant in variants.values()]
        shown = [(variant, available) for variant, available in shown if available > 0]
        if not shown:
            return None
        chosen = self._chance.sample(shown, min(len(shown), self._chance.randint(1, self._lines_max)))
        lines = tuple(
            PurchaseLine(variant.sku, self._chance.randint(1, min(self._units_max, available)))
            for variant, available in chosen
        )
        value = sum((variants[line.sku].price * line.quantity for line in lines), Decimal(0))
        discount = (value / 10).quantize(Decimal("0.01")) if self._chance.random() < DISCOUNT_CHANCE else Decimal(0)
        payment: Literal["paid", "authorized"] = "authorized" if self._chance.random() < OPEN_PAYMENT_CHANCE else "paid"
        shipping = SHIPPING[self._chance.randrange(len(SHIPPING))]
        return Purchase(lines=lines, discount=discount, shipping=shipping, payment=payment)
