"""Give exceptions the names that people know their objects by."""

from collections.abc import Sequence
from dataclasses import replace

from crossdock.foundation.db import Tx
from crossdock.operations.labels.rules import label_of
from crossdock.operations.model import OpenException
from crossdock.operations.rules import order_of
from crossdock.orders import service as orders


async def labelled(tx: Tx, found: Sequence[OpenException]) -> Sequence[OpenException]:
    """The same with their labels; one question for all orders among them."""
    ids = {order_id for each in found if (order_id := order_of(each.subject)) is not None}
    called = await orders.called(tx, ids)
    return [replace(each, label=label_of(each.subject, called)) for each in found]
