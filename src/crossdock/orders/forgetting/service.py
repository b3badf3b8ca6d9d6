"""Which orders are a person's, and how an order goes on without knowing whose it was."""

from collections.abc import Sequence
from datetime import datetime

from crossdock.canonical.base import OrderId
from crossdock.customers.model import ContactId
from crossdock.foundation.db import Tx
from crossdock.foundation.ids import new_id
from crossdock.orders.forgetting import store
from crossdock.orders.reading.service import View, get_many


async def of_contacts(tx: Tx, contacts: Sequence[ContactId]) -> Sequence[View]:
    """The orders that these contacts belong to, oldest first."""
    return await get_many(tx, await store.of_contacts(tx, contacts)) if contacts else ()


async def forget(tx: Tx, orders: Sequence[OrderId], *, now: datetime) -> None:
    """Goods, money and story stay. What is told of the person from now on is not kept, and is no edit of the order."""
    if orders:
        await store.forget(tx, sorted(orders), new_id().bytes, now)
