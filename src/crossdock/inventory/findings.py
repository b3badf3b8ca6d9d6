"""What a batch leaves for people, said as facts."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from crossdock.canonical.facts import StockDiscrepancy, StockShort
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.db import Tx
from crossdock.inventory import rules
from crossdock.inventory.model import PositionKey
from crossdock.inventory.reservations.desk import Desk
from crossdock.inventory.rules import Discrepancy, Short


def stream_of(position: PositionKey) -> str:
    """The event stream of a position."""
    return f"stock/{position.sku}@{position.location}"


async def raise_findings(
    tx: Tx, desk: Desk, *, origin: Origin, now: datetime, also: Iterable[Discrepancy] = ()
) -> None:
    """Facts about promises without goods and about on-hand that cannot be, for what *desk* has booked."""
    shorts, discrepancies = rules.consequences(desk.before, desk.books, desk.causes)
    facts = [*_shorts(shorts), *_discrepancies([*also, *discrepancies])]
    await eventlog.append(
        tx, [NewFact(stream=stream, fact=fact, happened_at=now, origin=origin) for stream, fact in facts]
    )


def _shorts(shorts: Iterable[Short]) -> Iterator[tuple[str, StockShort]]:
    for found in shorts:
        sku, location, _ = found.position
        yield stream_of(found.position), StockShort(sku=sku, location=location, short=found.short, cause=found.cause)


def _discrepancies(discrepancies: Iterable[Discrepancy]) -> Iterator[tuple[str, StockDiscrepancy]]:
    for found in discrepancies:
        sku, location, _ = found.position
        fact = StockDiscrepancy(sku=sku, location=location, ours=found.ours, theirs=found.theirs, cause=found.cause)
        yield stream_of(found.position), fact
