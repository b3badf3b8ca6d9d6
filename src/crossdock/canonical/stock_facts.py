"""Facts about goods: what is short, differs, moved or was counted, and the items themselves."""

from datetime import date
from decimal import Decimal

from crossdock.canonical.base import Code, Document, LocationCode, Moment, Text, check_finite, check_moment
from crossdock.canonical.intents import GoodsLine


class StockShort(Document, frozen=True, tag="stock.short", tag_field="fact"):
    """Units are promised that are not there: work to re-promise."""

    sku: Code
    location: LocationCode
    short: Decimal
    cause: Text

    def __post_init__(self) -> None:
        check_finite(self.short, "short")


class StockDiscrepancy(Document, frozen=True, tag="stock.discrepancy", tag_field="fact"):
    """On-hand and the floor disagree: negative on-hand, or a system of record that says otherwise."""

    sku: Code
    location: LocationCode
    ours: Decimal
    theirs: Decimal
    cause: Text

    def __post_init__(self) -> None:
        check_finite(self.ours, "ours")
        check_finite(self.theirs, "theirs")


class TransferRecorded(Document, frozen=True, tag="stock.transferred", tag_field="fact"):
    """Goods arrived from another own location: one document per arrival, with what arrived."""

    transfer_id: Code
    from_location: LocationCode
    to_location: LocationCode
    transferred_on: date
    lines: tuple[GoodsLine, ...]


class TransferShipped(Document, frozen=True, tag="transfer.shipped", tag_field="fact"):
    """Goods left an own location for another one."""

    transfer_id: Code
    from_location: LocationCode
    to_location: LocationCode
    lines: tuple[GoodsLine, ...]
    due_at: Moment | None = None

    def __post_init__(self) -> None:
        check_moment(self.due_at, "due_at")


class DifferingLine(Document, frozen=True):
    """An item of which something else arrived than left."""

    sku: Code
    shipped: Decimal
    received: Decimal

    def __post_init__(self) -> None:
        check_finite(self.shipped, "shipped")
        check_finite(self.received, "received")


class TransferDiscrepancy(Document, frozen=True, tag="transfer.discrepancy", tag_field="fact"):
    """What arrived of a transfer is not what left, and nothing more is waited for."""

    transfer_id: Code
    from_location: LocationCode
    to_location: LocationCode
    lines: tuple[DifferingLine, ...]


class TransferSettled(Document, frozen=True, tag="transfer.settled", tag_field="fact"):
    """A transfer's difference is explained, or gone."""

    transfer_id: Code
    reason: Text


class CountRecorded(Document, frozen=True, tag="stock.counted", tag_field="fact"):
    """People counted a location; on-hand was set."""

    count_id: Code
    location: LocationCode
    counted_on: date
    lines: tuple[GoodsLine, ...]


class ItemUnknown(Document, frozen=True, tag="item.unknown", tag_field="fact"):
    """Goods moved that no catalogue knows: recorded all the same."""

    sku: Code
    location: LocationCode
    subject: Text


class ItemChanged(Document, frozen=True, tag="item.described", tag_field="fact"):
    """Master data of an item is known or has changed."""

    sku: Code
    name: Text
    active: bool
