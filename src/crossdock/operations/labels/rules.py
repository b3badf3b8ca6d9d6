"""Subjects in people's words. Pure."""

from collections.abc import Mapping

from crossdock.canonical.base import OrderId
from crossdock.operations.rules import order_of


def label_of(subject: str, orders: Mapping[OrderId, str]) -> str:
    """`order #1042 of web`, `receipt 7 of till 1 in S01, 2026-11-27`; *orders* are what people call them."""
    order_id = order_of(subject)
    if order_id is not None and order_id in orders:
        return f"order {orders[order_id]}"
    noun, _, name = subject.partition("/")
    label = f"{noun.replace('_', ' ')} {name}".strip()
    match noun, name.split("/"):
        case "receipt", [store, till, day, number]:
            label = f"receipt {number} of till {till} in {store}, {day}"
        case "till", [store, till, day]:
            label = f"till {till} in {store}, {day}"
        case "store_day", [store, day]:
            label = f"store day {day} of {store}"
        case "stock", [position] if "@" in position:
            sku, _, location = position.rpartition("@")
            label = f"{sku} at {location}"
        case "message", [record] if "#" in record:
            message, _, number = record.partition("#")
            label = f"record {number} of message {message}"
        case _:
            pass
    return label
