"""What a batch leaves for people, said as facts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from crossdock.canonical.facts import StockDiscrepancy, StockShort
from crossdock.canonical.stock_facts import ClaimUnits
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.db import Tx
from crossdock.inventory import rules
from crossdock.inventory.model import PositionKey
from crossdock.inventory.reservations.desk import Desk, stream_of
from crossdock.inventory.rules import Discrepancy, Short
from crossdock.inventory.waiting import service as waiting
from crossdock.inventory.waiting.ranking import Ranked


async def raise_findings(
    tx: Tx, desk: Desk, *, origin: Origin, now: datetime, also: Iterable[Discrepancy] = ()
) -> None:
    """Facts about promises without goods and about on-hand that cannot be, for what *desk* has booked."""
    shorts, discrepancies = rules.consequences(desk.before, desk.books, desk.causes)
    losing = await waiting.losing(tx, {found.position: found.short for found in shorts})
    facts = [*_shorts(shorts, losing), *_discrepancies([*also, *discrepancies])]
    await eventlog.append(
        tx, [NewFact(stream=stream, fact=fact, happened_at=now, origin=origin) for stream, fact in facts]
    )


def _shorts(
    shorts: Iterable[Short], losing: Mapping[PositionKey, Sequence[tuple[Ranked, Decimal]]]
) -> Iterator[tuple[str, StockShort]]:
    for found in shorts:
        sku, location, _ = found.position
        lost = tuple(
            ClaimUnits(reservation=ranked.claim.key, quantity=units) for ranked, units in losing[found.position]
        )
        fact = StockShort(sku=sku, location=location, short=found.short, cause=found.cause, losing=lost)
        yield stream_of(found.position), fact


def _discrepancies(discrepancies: Iterable[Discrepancy]) -> Iterator[tuple[str, StockDiscrepancy]]:
    for found in discrepancies:
        sku, location, _ = found.position
        fact = StockDiscrepancy(sku=sku, location=location, ours=found.ours, theirs=found.theirs, cause=found.cause)
        yield stream_of(found.position), fact
