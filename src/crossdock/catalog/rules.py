"""What kits are made of, what units hold, which quantities may be ordered. Pure."""

from collections.abc import Mapping
from decimal import Decimal

from crossdock.canonical.base import PLACES_MAX, Sku
from crossdock.catalog.model import OrderRule, Traits

Recipes = Mapping[Sku, Mapping[Sku, Decimal]]
"""What each kit takes directly; items that are no kits are absent."""


def parts_of(kit: Sku, recipes: Recipes) -> Mapping[Sku, Decimal]:
    """A kit taken apart down to what is no kit; nothing when it is part of itself."""
    parts: dict[Sku, Decimal] = {}
    return parts if _take_apart(kit, Decimal(1), recipes, (), parts) else {}


def _take_apart(
    sku: Sku, quantity: Decimal, recipes: Recipes, inside: tuple[Sku, ...], parts: dict[Sku, Decimal]
) -> bool:
    if sku in inside:
        return False
    recipe = recipes.get(sku)
    if recipe is None:
        parts[sku] = parts.get(sku, Decimal(0)) + quantity
        return True
    return all(_take_apart(part, quantity * units, recipes, (*inside, sku), parts) for part, units in recipe.items())


def in_own_unit(quantity: Decimal, unit: str, traits: Traits) -> Decimal | None:
    """A quantity of a handling unit in the item's own unit, exactly; None when there is no such unit, or when the
    database could not hold the result exactly.
    """
    factor = traits.units.get(unit)
    if factor is None:
        return None
    own = quantity * factor
    return own if own == round(own, PLACES_MAX) else None


def broken_rule(quantity: Decimal, traits: Traits) -> OrderRule | None:
    """The first rule that an ordered quantity breaks."""
    if traits.order_minimum is not None and quantity < traits.order_minimum:
        return OrderRule.MINIMUM
    if traits.order_maximum is not None and quantity > traits.order_maximum:
        return OrderRule.MAXIMUM
    if traits.order_multiple is not None and quantity % traits.order_multiple != 0:
        return OrderRule.MULTIPLE
    return None
