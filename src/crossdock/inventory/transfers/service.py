"""Make transfers and let them happen. Callers open the transaction.

The ERP is told at arrival, once per arrival and with what arrived: its document then says what people have counted in,
and nothing of it ever has to be taken back. Until then it keeps the goods at the source; what is under way is known
here, line by line.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import assert_never

from crossdock.canonical.base import Document, LocationCode, Sku
from crossdock.canonical.facts import TransferDiscrepancy, TransferRecorded, TransferSettled, TransferShipped
from crossdock.canonical.intents import GoodsLine
from crossdock.canonical.stock_facts import DifferingLine
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.db import Tx
from crossdock.inventory.expected import store as expected_store
from crossdock.inventory.expected.model import Expected, ExpectedKind
from crossdock.inventory.findings import raise_findings
from crossdock.inventory.model import AlreadyRecorded, KeyReused, MovementKey, MovementOutcome, Posting, Recorded
from crossdock.inventory.operations import Operations
from crossdock.inventory.reservations.desk import Desk
from crossdock.inventory.transfers import rules, store
from crossdock.inventory.transfers.model import (
    Cancel,
    Close,
    Header,
    MarkReady,
    NewTransfer,
    NotPossible,
    Receive,
    Settle,
    Ship,
    Stage,
    Step,
    StepOutcome,
    Stepped,
    Transfer,
    UnknownTransfer,
)
from crossdock.inventory.transfers.states import NOT_LEFT, Fact, State, after


async def transfer(tx: Tx, new: NewTransfer, *, origin: Origin, now: datetime) -> MovementOutcome:
    """Make a transfer, as far as it has come. A fact where goods have left: the source may become short."""
    key = MovementKey(new.reference)
    operations = await Operations.begin(tx, [(key, rules.new_print(new))], now)
    seen = operations.admit(key, rules.new_print(new))
    if seen is not None:
        return seen
    header = Header(
        reference=new.reference,
        source=new.source,
        target=new.target,
        state=State.READY if new.stage is Stage.READY else State.DRAFT,
        due_at=new.due_at,
        made_at=now,
        changed_at=now,
        receptions=0,
        correlation_id=origin.correlation_id,
    )
    await store.insert(tx, header, new.quantities)
    course = _Course(tx, header, new.quantities, {}, origin=origin, now=now)
    if new.stage in {Stage.IN_TRANSIT, Stage.RECEIVED}:
        course.leave(new.quantities, new.happened_at)
    if new.stage is Stage.RECEIVED:
        assert new.transferred_on is not None, new
        course.arrive(
            Receive(
                reference=new.reference,
                arrival=new.reference,
                happened_at=new.happened_at,
                transferred_on=new.transferred_on,
            )
        )
    await course.close()
    return Recorded(key)


async def step(tx: Tx, wanted: Step, *, origin: Origin, now: datetime) -> StepOutcome:
    """Let something happen to a transfer. What cannot happen is answered, except facts: they are booked in any order."""
    header = await store.lock(tx, wanted.reference)
    if header is None:
        return UnknownTransfer(wanted.reference)
    if isinstance(wanted, Receive):
        seen = await _seen(tx, wanted, now)
        if seen is not None:
            return seen
    asked = (await store.asked(tx, [wanted.reference]))[wanted.reference]
    lines = await expected_store.lines(tx, ExpectedKind.TRANSFER, [wanted.reference])
    course = _Course(tx, header, asked, {line.sku: line for line in lines}, origin=origin, now=now)
    if not course.take(wanted):
        return NotPossible(wanted.reference, header.state)
    await course.close()
    return Stepped(wanted.reference, course.header.state)


async def _seen(tx: Tx, wanted: Receive, now: datetime) -> AlreadyRecorded | KeyReused | None:
    key, meaning = MovementKey(f"transfer/{wanted.reference}/{wanted.arrival}"), rules.arrival_print(wanted)
    operations = await Operations.begin(tx, [(key, meaning)], now)
    return operations.admit(key, meaning)


class _Course:
    """One transfer while something happens to it: its lines, its entries and its facts, written once."""

    def __init__(
        self,
        tx: Tx,
        header: Header,
        asked: Mapping[Sku, Decimal],
        lines: dict[Sku, Expected],
        *,
        origin: Origin,
        now: datetime,
    ) -> None:
        self.header = header
        self._tx = tx
        self._asked = asked
        self._lines = lines
        self._changed: dict[Sku, Expected] = {}
        self._postings: list[Posting] = []
        self._facts: list[tuple[Document, datetime]] = []
        self._before = header.state
        self._reason = "everything that left has arrived"
        self._origin = replace(origin, correlation_id=header.correlation_id)
        self._now = now

    def take(self, wanted: Step) -> bool:
        """False when that cannot happen to it as it stands."""
        match wanted:
            case MarkReady():
                return self._move(Fact.READY)
            case Ship():
                if self.header.state in NOT_LEFT:
                    self.leave(self._asked if wanted.quantities is None else wanted.quantities, wanted.happened_at)
                return True
            case Receive():
                if self.header.state in NOT_LEFT:
                    self.leave(self._asked, wanted.happened_at)
                self.arrive(wanted)
                return True
            case Close():
                return self._close(wanted)
            case Settle():
                self._reason = wanted.reason
                return self._move(Fact.SETTLED)
            case Cancel():
                return self._move(Fact.CANCELLED)
            case _:
                assert_never(wanted)

    def leave(self, quantities: Mapping[Sku, Decimal], happened_at: datetime) -> None:
        """Goods are under way."""
        moved = self._move(Fact.SHIPPED)
        assert moved, self.header
        self._book(rules.left(self.header, quantities, happened_at, MovementKey(self.header.reference)))
        fact = TransferShipped(
            transfer_id=self.header.reference,
            from_location=self.header.source,
            to_location=self.header.target,
            due_at=self.header.due_at,
            lines=_goods(quantities),
        )
        self._facts.append((fact, happened_at))

    def arrive(self, wanted: Receive) -> None:
        """Goods are there; nothing is told to anybody when nothing was under way any more."""
        quantities = wanted.quantities
        if quantities is None:
            quantities = rules.open_quantities(self._lines.values())
        if not quantities:
            return
        self._book(rules.arrived(self.header.target, self._lines, quantities, wanted))
        number = self.header.receptions + 1
        self.header = replace(self.header, receptions=number)
        fact = TransferRecorded(
            transfer_id=self.header.reference if number == 1 else f"{self.header.reference}/{number}",
            from_location=self.header.source,
            to_location=self.header.target,
            transferred_on=wanted.transferred_on,
            lines=_goods(quantities),
        )
        self._facts.append((fact, wanted.happened_at))
        moved = self._move(rules.told(rules.view(self._asked, self._lines.values())))
        assert moved, self.header

    def _close(self, wanted: Close) -> bool:
        if not self._move(Fact.CLOSED):
            return False
        self._book(rules.given_up(self._lines.values(), wanted.happened_at, wanted.reason))
        return True

    def _move(self, fact: Fact) -> bool:
        state = after(self.header.state, fact)
        if state is not None:
            self.header = replace(self.header, state=state, changed_at=self._now)
        return state is not None

    def _book(self, booking: rules.Booking) -> None:
        self._postings += booking.postings
        for line in booking.lines:
            self._lines[line.sku] = self._changed[line.sku] = line

    async def close(self) -> None:
        """Write what happened."""
        await store.change(self._tx, self.header)
        await expected_store.write(self._tx, list(self._changed.values()), self._now)
        if self._postings:
            desk = await Desk.open(self._tx, {posting.position for posting in self._postings}, now=self._now, make=True)
            desk.enter(self._postings)
            await desk.close(origin=self._origin, floor=True)
            await raise_findings(self._tx, desk, origin=self._origin, now=self._now)
        await eventlog.append(
            self._tx,
            [
                NewFact(stream=f"transfer/{self.header.reference}", fact=fact, happened_at=at, origin=self._origin)
                for fact, at in [*self._facts, *self._conclusion()]
            ],
        )

    def _conclusion(self) -> Iterator[tuple[Document, datetime]]:
        """What does not add up is told as it stands; that it does now, too."""
        reference, state = self.header.reference, self.header.state
        if state is State.DISCREPANCY and (self._before is not state or self._postings):
            differing = rules.differing(rules.view(self._asked, self._lines.values()))
            yield (
                TransferDiscrepancy(
                    transfer_id=reference,
                    from_location=self.header.source,
                    to_location=self.header.target,
                    lines=tuple(
                        DifferingLine(sku=line.sku, shipped=line.shipped, received=line.received) for line in differing
                    ),
                ),
                self._now,
            )
        elif self._before is State.DISCREPANCY and state is not self._before:
            yield TransferSettled(transfer_id=reference, reason=self._reason), self._now


async def find_transfer(tx: Tx, reference: str) -> Transfer | None:
    """A transfer as it stands."""
    header = await store.find(tx, reference)
    return None if header is None else (await _whole(tx, [header]))[0]


async def open_transfers(
    tx: Tx, *, location: LocationCode | None = None, after: str = "", limit: int = 100
) -> Sequence[Transfer]:
    """Transfers that have not ended, from or to *location* if given, by reference, page by page."""
    return await _whole(tx, await store.open_page(tx, location=location, after=after, limit=limit))


async def _whole(tx: Tx, headers: Sequence[Header]) -> Sequence[Transfer]:
    references = [header.reference for header in headers]
    asked = await store.asked(tx, references)
    under_way: dict[str, list[Expected]] = {reference: [] for reference in references}
    for line in await expected_store.lines(tx, ExpectedKind.TRANSFER, references):
        under_way[line.reference].append(line)
    return [Transfer(each, rules.view(asked[each.reference], under_way[each.reference])) for each in headers]


def _goods(quantities: Mapping[Sku, Decimal]) -> tuple[GoodsLine, ...]:
    return tuple(GoodsLine(sku=sku, quantity=quantity) for sku, quantity in quantities.items())
