"""What receipts mean in the books. Pure, and additive: a day's journal is the sum of its receipts' postings.

Every receipt balances by itself to the smallest unit of its currency. Hence the order of receipts does not matter, and
closing a day in two runs books what closing it in one would have booked.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from hashlib import blake2b
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from crossdock.canonical.base import LocationCode, Sku
from crossdock.canonical.intents import GoodsLine, JournalLine
from crossdock.canonical.money import rounded
from crossdock.canonical.receipts import ReceiptKind, ReceiptLine, SaleRecorded
from crossdock.canonical.stock import FloorMovement
from crossdock.estate.model import Estate, TillPosting
from crossdock.finance.model import DayState, Gap, Money, Number, ReceiptKey, StoreDay

ZERO: Final = Decimal(0)
POSTING: Final = frozenset({ReceiptKind.SALE, ReceiptKind.VOID})
ACCOUNT_MAX: Final = 64
UNTAXED: Final = "none"
WRAP_MIN: Final = 20
"""A number this far below the till's highest may be the start of a new round; nearer ones are out of order."""
GAP_MAX: Final = 5_000
"""No till loses more numbers in a row: a longer jump is a counter that was set."""
BOUNDARY_MAX: Final = 200
"""The same between the end of one day and the beginning of the next."""


def today(estate: Estate, store: LocationCode, now: datetime) -> date:
    """The business day that it is where *store* is; where it no longer stands in the estate, at the company's."""
    zones = [location.zone for location in estate.locations if location.code == store]
    return now.astimezone(ZoneInfo(next(iter(zones), estate.company.zone))).date()


def posts(receipt: SaleRecorded) -> bool:
    """Does its kind have money or goods? The others only use a number."""
    return receipt.kind in POSTING


def tendered(receipt: SaleRecorded) -> Decimal:
    """Money that changed hands."""
    return sum((tender.amount for tender in receipt.tenders), ZERO)


def unsound(receipt: SaleRecorded) -> Decimal | None:
    """How much lines, total and tenders disagree; None when they agree. Money beyond what was sold is positive.

    What is finer than the currency's smallest unit nobody can have paid: it is not booked, so it is told.
    """
    owed = rounded(receipt.lines_total + receipt.rounding, receipt.currency)
    total = rounded(receipt.total, receipt.currency)
    paid = rounded(tendered(receipt), receipt.currency)
    if owed == total == paid:
        return (tendered(receipt) - paid) or (receipt.total - total) or None
    return paid - owed or total - owed


def unsound_void(void: SaleRecorded, original: SaleRecorded) -> Decimal | None:
    """A void counts as its original, turned round; one that says another total is looked at."""
    if abs(void.total) in {ZERO, abs(original.total)}:
        return None
    return abs(void.total) - abs(original.total)


def account(prefix: str, code: str) -> str:
    """A posting key: `tender.cash`. What would be too long keeps its beginning and a digest."""
    key = f"{prefix}.{code}"
    if len(key) <= ACCOUNT_MAX:
        return key
    return f"{key[: ACCOUNT_MAX - 17].strip()}#{blake2b(key.encode(), digest_size=8).hexdigest()}"


def postings(receipt: SaleRecorded, keys: TillPosting) -> Mapping[str, Decimal]:
    """What a sale does to each posting key, debit positive. Sums to exactly zero.

    What tenders and lines disagree about goes to over/short; what rounding to whole cents leaves goes to rounding.
    """
    booked: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    if receipt.kind is not ReceiptKind.SALE:
        return booked
    currency = receipt.currency
    for tender in receipt.tenders:
        booked[account(keys.tender_prefix, tender.tender)] += rounded(tender.amount, currency)
    for line in receipt.lines:
        net = rounded(line.amount, currency)
        for tax in line.taxes:
            amount = rounded(tax.amount, currency)
            booked[account(keys.tax_prefix, tax.code)] -= line.sign * amount
            net -= amount if receipt.prices_include_tax else ZERO
        booked[account(keys.revenue_prefix, _tax_code(line))] -= line.sign * net
    booked[keys.rounding] -= rounded(receipt.rounding, currency)
    disagreement = tendered(receipt) - receipt.lines_total - receipt.rounding
    booked[keys.over_short] -= rounded(disagreement, currency)
    booked[keys.rounding] -= sum(booked.values(), ZERO)
    assert sum(booked.values(), ZERO) == 0, booked
    return booked


def _tax_code(line: ReceiptLine) -> str:
    """Under which tax code a line's revenue stands; a line with several taxes stands under all of them together."""
    return "+".join(sorted({tax.code for tax in line.taxes})) or UNTAXED


def goods(receipt: SaleRecorded) -> Mapping[Sku, Decimal]:
    """Units that left by a sale, per SKU; negative when they came back."""
    left: defaultdict[Sku, Decimal] = defaultdict(lambda: ZERO)
    if receipt.kind is ReceiptKind.SALE:
        for line in receipt.lines:
            left[Sku(line.sku)] += line.sign * line.quantity
    return left


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodsMove:
    """One line's goods, as inventory is told of them."""

    key: str
    kind: FloorMovement
    sku: Sku
    location: LocationCode
    quantity: Decimal
    happened_at: datetime


def moves(receipt: SaleRecorded, original: SaleRecorded | None = None) -> Sequence[GoodsMove]:
    """What a receipt does to stock, line by line; a void does its *original* backwards.

    Keys come from the receipt's number and the line's place, so that telling it twice moves nothing twice.
    """
    if receipt.kind is ReceiptKind.VOID:
        sold, direction = original, -1
    else:
        sold, direction = receipt, 1
    if sold is None or sold.kind is not ReceiptKind.SALE:
        return ()
    made = ReceiptKey.of(receipt.ref)
    return [
        GoodsMove(
            key=f"receipt/{made}/{place}",
            kind=FloorMovement.ISSUE if direction * line.sign > 0 else FloorMovement.RETURN_RECEIVE,
            sku=Sku(line.sku),
            location=sold.store,
            quantity=line.quantity,
            happened_at=receipt.ended_at,
        )
        for place, line in enumerate(sold.lines)
        if line.sign
    ]


@dataclass(slots=True)
class DayBook:
    """The sum of receipts of one currency."""

    keys: TillPosting
    receipts: int = 0
    total: Decimal = ZERO
    _accounts: dict[str, Decimal] = field(default_factory=dict)
    _goods: dict[Sku, Decimal] = field(default_factory=dict)

    def add(self, receipt: SaleRecorded, original: SaleRecorded | None, total: Decimal) -> None:
        """Take in one receipt; a void comes with the *original* that it takes back."""
        if not posts(receipt):
            return
        self.receipts += 1
        self.total += total
        voided = receipt.kind is ReceiptKind.VOID
        sold, sign = (original, -1) if voided else (receipt, 1)
        if sold is None:
            return
        for key, amount in postings(sold, self.keys).items():
            self._accounts[key] = self._accounts.get(key, ZERO) + sign * amount
        for sku, units in goods(sold).items():
            self._goods[sku] = self._goods.get(sku, ZERO) + sign * units

    def journal(self, text: str) -> tuple[JournalLine, ...]:
        """One balanced journal: a line per posting key that moved, debits first; empty when nothing did."""
        lines = [
            JournalLine(account=key, debit=max(amount, ZERO), credit=max(-amount, ZERO), text=text)
            for key, amount in sorted(self._accounts.items(), key=lambda item: (item[1] < 0, item[0]))
            if amount
        ]
        assert sum((line.debit - line.credit for line in lines), ZERO) == 0, lines
        return tuple(lines)

    def goods(self) -> tuple[GoodsLine, ...]:
        """Net units per SKU that left the store, in the order of SKUs."""
        return tuple(GoodsLine(sku=sku, quantity=units) for sku, units in sorted(self._goods.items()) if units)

    @property
    def tendered(self) -> Decimal:
        """What the journal's tender lines come to."""
        prefix = f"{self.keys.tender_prefix}."
        return sum((amount for key, amount in self._accounts.items() if key.startswith(prefix)), ZERO)


def gaps(numbers: Iterable[Number], last_before: Mapping[str, int]) -> Sequence[Gap]:
    """Missing numbers of a day, per till. *last_before* is the last number of each till's day before.

    Counters wrap and are set anew: a number far below the highest begins a new round, and what lies between two rounds
    is not missing. Numbers slightly out of order (a parked basket) are not a new round.
    """
    found: list[Gap] = []
    by_till: defaultdict[str, list[Number]] = defaultdict(list)
    for number in numbers:
        by_till[number.till].append(number)
    for till, used in sorted(by_till.items()):
        in_time = [each.sequence for each in sorted(used, key=lambda each: (each.ended_at, each.sequence))]
        rounds = _rounds(in_time)
        before = last_before.get(till)
        if before is not None and 1 < min(rounds[0]) - before <= BOUNDARY_MAX + 1:
            found.append(Gap(till, before + 1, min(rounds[0]) - 1))
        for each_round in rounds:
            found += [Gap(till, low, high) for low, high in _missing(sorted(each_round))]
    return found


def due_gaps(found: Iterable[Gap], known: Iterable[Gap], numbers: Iterable[Number], by: datetime) -> set[Gap]:
    """Gaps to be told: the number behind them had been recorded *by* then, or they are what is left of a known one."""
    recorded_at = {(number.till, number.sequence): number.recorded_at for number in numbers}
    told = list(known)
    return {
        gap
        for gap in found
        if recorded_at[gap.till, gap.missing_to + 1] <= by
        or any(
            gap.till == old.till and gap.missing_from <= old.missing_to and gap.missing_to >= old.missing_from
            for old in told
        )
    }


def _rounds(in_time: Sequence[int]) -> Sequence[set[int]]:
    rounds: list[set[int]] = [{in_time[0]}]
    for sequence in in_time[1:]:
        nearest = min(reversed(rounds), key=lambda each_round: _distance(sequence, each_round))
        highest = max(nearest)
        if highest - sequence > WRAP_MIN and sequence <= highest // 2 and _distance(sequence, nearest) > WRAP_MIN:
            rounds.append({sequence})
        else:
            nearest.add(sequence)
    return rounds


def _distance(sequence: int, each_round: set[int]) -> int:
    return max(min(each_round) - sequence, sequence - max(each_round), 0)


def _missing(used: Sequence[int]) -> Iterable[tuple[int, int]]:
    for low, high in pairwise(used):
        if 1 < high - low <= GAP_MAX + 1:
            yield low + 1, high - 1


def day_state(*, closings: int, waiting: int, posted: bool) -> DayState:
    """What a store day is, from what was done and what has come."""
    if closings == 0:
        return DayState.OPEN
    if waiting:
        return DayState.LATE
    return DayState.POSTED if posted else DayState.CLOSED


def money(days: Iterable[StoreDay]) -> Sequence[Money]:
    """Days added up, per currency."""
    by_currency: defaultdict[str, list[StoreDay]] = defaultdict(list)
    for day in days:
        by_currency[day.currency].append(day)
    return [
        Money(
            currency=currency,
            receipts=sum(day.receipts for day in group),
            total=sum((day.total for day in group), ZERO),
            tendered=sum((day.tendered for day in group), ZERO),
            closed=sum((day.closed for day in group), ZERO),
        )
        for currency, group in sorted(by_currency.items())
    ]
