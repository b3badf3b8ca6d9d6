"""What claims stand on, how far a request may go, what ranks it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from crossdock.canonical.base import check_moment
from crossdock.inventory.model import ZERO, Account, PositionKey


class Basis(StrEnum):
    """What a claim stands on."""

    GOODS = "goods"
    """Units that are there."""
    DATED = "dated"
    """Receipts that are due by a day."""
    BACKORDER = "backorder"
    """Nothing yet."""


WAITING_ACCOUNTS: Final[Mapping[Basis, Account]] = {
    Basis.DATED: Account.DATED,
    Basis.BACKORDER: Account.BACKORDERED,
}
"""Where claims without goods stand."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a request may go beyond goods in hand: first receipts that are due in time, then nothing yet."""

    dated_until: datetime | None = None
    """Claim receipts that are due by then; None: none."""
    backorder_max: Decimal | None = ZERO
    """Units of an item that may wait at the line's locations together, shortfall and those that wait already included;
    None: as many as it takes."""

    def __post_init__(self) -> None:
        check_moment(self.dated_until, "dated_until")


class Beyond(NamedTuple):
    """How many units of an item a request may get without goods, within its reach."""

    dated_max: Decimal
    """Of receipts that are due in time."""
    backorder_max: Decimal
    """That may wait at the line's locations together, shortfall and those that wait already included."""


GOODS_ONLY: Final = Reach()
AS_FAR_AS_IT_TAKES: Final = Reach(backorder_max=None)


class Promise(NamedTuple):
    """What ranks a request when goods do not suffice for all."""

    promised_at: datetime
    """By when: who was promised earlier comes first."""
    worth: Decimal
    """Of the order: the dearer one comes first."""
    penalty: Decimal
    """What the channel charges for a broken promise: the higher one comes first."""


class Wait(NamedTuple):
    """Units that a request gets without goods."""

    position: PositionKey
    basis: Basis
    quantity: Decimal
    due_by: datetime | None = None
    limit: Decimal = ZERO
    """Of a backorder: how many units may wait at the position, these included."""
