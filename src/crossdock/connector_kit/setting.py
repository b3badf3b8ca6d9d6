"""What a setting's value may be, for `Setting.refuse`: each says why it cannot be used; empty when it can."""

from decimal import Decimal, InvalidOperation
from urllib.parse import urlsplit

from crossdock.canonical.base import CURRENCIES


def currency(value: str) -> str:
    """An ISO 4217 code."""
    return "" if value in CURRENCIES else f'"{value}" is not an ISO 4217 currency code'


def web_address(value: str) -> str:
    """Http or https, with a host."""
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError as error:
        return f'"{value}" is no address: {error}'
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        return f'"{value}" is no address: write https://…'
    return ""


def amount(value: str) -> str:
    """A sum of money that is not below zero."""
    try:
        number = Decimal(value)
    except InvalidOperation:
        return f'"{value}" is not a number'
    return "" if number.is_finite() and number >= 0 else f'"{value}" is not an amount of 0 or more'
