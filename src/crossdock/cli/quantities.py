"""Units of items as people type them."""

from collections.abc import Sequence
from decimal import Decimal

from crossdock.canonical.base import Sku
from crossdock.cli.output import CommandError
from crossdock.foundation.plain import decimal


def quantities(lines: Sequence[str], *, none_too: bool = False) -> dict[Sku, Decimal]:
    """SKU=QUANTITY, once per item; more than nothing, unless *none_too*."""
    found: dict[Sku, Decimal] = {}
    for line in lines:
        sku, _, quantity = line.rpartition("=")
        units = decimal(quantity)
        if not sku or units is None or units < 0 or (units == 0 and not none_too) or sku in found:
            raise CommandError(f'"{line}" is no line: write SKU=QUANTITY, once per item.')
        found[Sku(sku)] = units
    return found
