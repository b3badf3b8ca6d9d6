"""Laws of the books: every receipt balances by itself, sums do not depend on order or on how often a day is closed."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from crossdock.canonical.base import Tax
from crossdock.canonical.facts import StoreDayClosed
from crossdock.canonical.money import rounded
from crossdock.canonical.receipts import LineKind, ReceiptKind, ReceiptLine, ReceiptTender, SaleRecorded, content_of
from crossdock.canonical.stock import FloorMovement
from crossdock.estate.model import TillPosting
from crossdock.finance.model import DayState, Number
from crossdock.finance.rules import DayBook, account, day_state, gaps, moves, postings, unsound
from finance.tills import DAY, OPENING, STORE, line, nets, sale, void

KEYS = TillPosting()
CENTS = st.integers(-100_000, 100_000).map(lambda cents: Decimal(cents) / 100)
ODD = st.decimals(-1000, 1000, places=6, allow_nan=False, allow_infinity=False)


@st.composite
def receipt_lines(draw: st.DrawFn, amounts: st.SearchStrategy[Decimal]) -> tuple[ReceiptLine, ...]:
    number = draw(st.integers(1, 6))
    return tuple(
        ReceiptLine(
            number=place,
            sku=draw(st.sampled_from("ABC")),
            quantity=draw(st.decimals("0.001", 50, places=3)),
            amount=draw(amounts),
            kind=draw(st.sampled_from(LineKind)),
            taxes=tuple(
                Tax(code=draw(st.sampled_from(["full", "half", "city"])), amount=draw(amounts))
                for _ in range(draw(st.integers(0, 2)))
            ),
            voided=draw(st.sampled_from([False, False, False, True])),
        )
        for place in range(number)
    )


@st.composite
def sound(draw: st.DrawFn) -> SaleRecorded:
    """Lines, total and tenders agree; mixed baskets, any sign, inclusive and exclusive."""
    lines = draw(receipt_lines(CENTS))
    rounding = draw(st.sampled_from([Decimal(0), Decimal("0.02"), Decimal("-0.01")]))
    blank = SaleRecorded(
        store=STORE,
        till="1",
        business_day=DAY,
        sequence=draw(st.integers(0, 10**6)),
        ended_at=OPENING,
        currency="EUR",
        total=Decimal(0),
        lines=lines,
        rounding=rounding,
        prices_include_tax=draw(st.booleans()),
    )
    total = blank.lines_total + rounding
    first = draw(CENTS)
    tenders = (
        ReceiptTender(tender=draw(st.sampled_from(["cash", "card"])), amount=first),
        ReceiptTender(tender=draw(st.sampled_from(["cash", "voucher"])), amount=total - first),
    )
    return replaced(blank, total=total, tenders=tenders)


@st.composite
def anything(draw: st.DrawFn) -> SaleRecorded:
    """A receipt that need not agree with itself, in currencies with other cents, with fractions of cents."""
    return SaleRecorded(
        store=STORE,
        till="1",
        business_day=DAY,
        sequence=1,
        ended_at=OPENING,
        currency=draw(st.sampled_from(["EUR", "JPY", "KWD"])),
        total=draw(ODD),
        lines=draw(receipt_lines(ODD)),
        tenders=tuple(
            ReceiptTender(tender=draw(st.sampled_from(["cash", "card"])), amount=draw(ODD))
            for _ in range(draw(st.integers(0, 3)))
        ),
        rounding=draw(ODD),
        prices_include_tax=draw(st.booleans()),
        kind=draw(st.sampled_from([kind for kind in ReceiptKind if kind is not ReceiptKind.VOID])),
    )


def replaced(receipt: SaleRecorded, **changes: object) -> SaleRecorded:
    fields = {name: getattr(receipt, name) for name in receipt.__struct_fields__}
    return SaleRecorded(**(fields | changes))


def closed(receipts: Sequence[SaleRecorded], run: int = 1) -> StoreDayClosed:
    book = DayBook(keys=KEYS)
    for receipt in receipts:
        book.add(receipt, None, receipt.total)
    return StoreDayClosed(
        store=STORE,
        business_day=DAY,
        run=run,
        currency="EUR",
        receipts=book.receipts,
        total=book.total,
        journal=book.journal("t"),
        goods=book.goods(),
    )


def prefixed(booked: dict[str, Decimal], prefix: str) -> Decimal:
    return sum((amount for key, amount in booked.items() if key.startswith(prefix)), Decimal(0))


@given(anything())
def test_every_receipt_balances_by_itself_to_the_cent(receipt: SaleRecorded) -> None:
    booked = postings(receipt, KEYS)

    assert sum(booked.values()) == 0
    assert all(amount == rounded(amount, receipt.currency) for amount in booked.values())


@given(st.lists(anything(), max_size=5))
def test_every_journal_balances_and_has_no_empty_line(receipts: list[SaleRecorded]) -> None:
    assume(len({receipt.currency for receipt in receipts}) <= 1)
    journal = closed(receipts).journal

    assert sum(entry.debit for entry in journal) == sum(entry.credit for entry in journal)
    assert all((entry.debit > 0) != (entry.credit > 0) for entry in journal)
    assert len({entry.account for entry in journal}) == len(journal)


@given(st.lists(sound(), max_size=5))
def test_the_tenders_of_a_journal_are_the_totals_of_its_receipts(receipts: list[SaleRecorded]) -> None:
    run = closed(receipts)

    assert prefixed(nets([run]), "tender.") == sum((receipt.total for receipt in receipts), Decimal(0))
    assert "over_short" not in nets([run])


@given(st.lists(sound(), max_size=5))
def test_revenue_tax_and_rounding_are_what_the_lines_say(receipts: list[SaleRecorded]) -> None:
    booked = nets([closed(receipts)])
    taxed = sum((each.sign * each.tax for receipt in receipts for each in receipt.lines), Decimal(0))
    owed = sum((receipt.lines_total for receipt in receipts), Decimal(0))

    assert -prefixed(booked, "tax.") == taxed
    assert -prefixed(booked, "revenue.") == owed - taxed
    assert -booked.get("rounding", Decimal(0)) == sum((receipt.rounding for receipt in receipts), Decimal(0))


@given(st.lists(sound(), max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_receipts_does_not_matter(receipts: list[SaleRecorded], chance: object) -> None:
    shuffled = list(receipts)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random, which is banned by name

    assert closed(receipts) == closed(shuffled)


@given(st.lists(anything(), max_size=6), st.integers(0, 6))
def test_closing_in_two_runs_books_what_one_run_would_have(receipts: list[SaleRecorded], cut: int) -> None:
    assume(len({receipt.currency for receipt in receipts}) <= 1)
    one = closed(receipts)
    two = [closed(receipts[:cut]), closed(receipts[cut:], run=2)]

    assert nets([one]) == nets(two)
    units: dict[str, Decimal] = {}
    for run in two:
        for goods in run.goods:
            units[goods.sku] = units.get(goods.sku, Decimal(0)) + goods.quantity
    assert {sku: quantity for sku, quantity in units.items() if quantity} == {
        goods.sku: goods.quantity for goods in one.goods
    }


@given(sound())
def test_a_void_leaves_nothing_of_its_receipt(receipt: SaleRecorded) -> None:
    book = DayBook(keys=KEYS)
    book.add(receipt, None, receipt.total)
    book.add(void(2_000_000, receipt), receipt, -receipt.total)

    assert book.journal("t") == ()
    assert book.goods() == ()
    assert book.total == 0


@given(sound())
def test_a_void_moves_goods_backwards_line_by_line(receipt: SaleRecorded) -> None:
    turned = {FloorMovement.ISSUE: FloorMovement.RETURN_RECEIVE, FloorMovement.RETURN_RECEIVE: FloorMovement.ISSUE}
    forward, back = moves(receipt), moves(void(2_000_000, receipt), receipt)

    assert [(turned[move.kind], move.sku, move.quantity) for move in forward] == [
        (move.kind, move.sku, move.quantity) for move in back
    ]
    assert not {move.key for move in forward} & {move.key for move in back}


@given(sound())
def test_a_receipt_that_agrees_with_itself_is_sound(receipt: SaleRecorded) -> None:
    assert unsound(receipt) is None


@given(sound())
def test_money_finer_than_the_currency_is_told_because_it_is_not_booked(receipt: SaleRecorded) -> None:
    fine = Decimal("0.001")
    odd = replaced(
        receipt,
        total=receipt.total + fine,
        rounding=receipt.rounding + fine,
        tenders=(*receipt.tenders, ReceiptTender(tender="cash", amount=fine)),
    )

    assert unsound(odd) == fine


@given(sound(), st.sampled_from(["total", "tenders"]))
def test_a_cent_of_disagreement_is_seen(receipt: SaleRecorded, where: str) -> None:
    cent = Decimal("0.01")
    wrong = (
        replaced(receipt, total=receipt.total + cent)
        if where == "total"
        else replaced(receipt, tenders=(*receipt.tenders, ReceiptTender(tender="cash", amount=cent)))
    )

    assert unsound(wrong) == cent
    booked = nets([closed([wrong])])
    assert -booked.get("over_short", Decimal(0)) == (0 if where == "total" else cent)


@given(sound())
def test_the_same_receipt_has_the_same_content_however_it_is_written(receipt: SaleRecorded) -> None:
    rewritten = replaced(
        receipt,
        operator="somebody else",
        transaction_id="x",
        ended_at=receipt.ended_at + timedelta(seconds=1),
        total=receipt.total + Decimal("0.000000"),
        lines=tuple(reversed(receipt.lines)),
        tenders=tuple(reversed(receipt.tenders)),
    )

    assert content_of(rewritten) == content_of(receipt)
    assert content_of(replaced(receipt, total=receipt.total + 1)) != content_of(receipt)
    assert content_of(replaced(receipt, tenders=receipt.tenders[1:])) != content_of(receipt)
    assert content_of(replaced(receipt, lines=(*receipt.lines, line()))) != content_of(receipt)


def test_kinds_that_only_use_a_number_post_nothing() -> None:
    for kind in (ReceiptKind.CONTROL, ReceiptKind.CANCELLED, ReceiptKind.TRAINING):
        receipt = replaced(sale(1), kind=kind)
        assert not any(postings(receipt, KEYS).values())
        assert moves(receipt) == ()


@given(st.text(min_size=1, max_size=64), st.text(min_size=1, max_size=64))
def test_a_posting_key_always_fits(prefix: str, code: str) -> None:
    assert len(account(prefix, code)) <= 64


def test_a_line_with_two_taxes_has_its_revenue_under_both() -> None:
    taxes = (Tax(code="state", amount=Decimal("0.60")), Tax(code="city", amount=Decimal("0.20")))
    receipt = sale(1, ReceiptLine(number=1, sku="A", quantity=Decimal(1), amount=Decimal("10.80"), taxes=taxes))

    assert dict(postings(receipt, KEYS)) | {} == {
        "tender.cash": Decimal("10.80"),
        "tax.state": Decimal("-0.60"),
        "tax.city": Decimal("-0.20"),
        "revenue.city+state": Decimal("-10.00"),
        "rounding": Decimal(0),
        "over_short": Decimal(0),
    }


def test_a_day_of_returns_turns_its_sides() -> None:
    run = closed([sale(1, line(back=True))])

    assert {(entry.account, entry.debit, entry.credit) for entry in run.journal} == {
        ("tender.cash", Decimal(0), Decimal("11.90")),
        ("revenue.standard", Decimal("10.00"), Decimal(0)),
        ("tax.standard", Decimal("1.90"), Decimal(0)),
    }
    assert [(goods.sku, goods.quantity) for goods in run.goods] == [("A", Decimal(-1))]


def used(*sequences: int, till: str = "1") -> list[Number]:
    return [
        Number(till=till, sequence=sequence, ended_at=OPENING + timedelta(minutes=place), recorded_at=OPENING)
        for place, sequence in enumerate(sequences)
    ]


@pytest.mark.parametrize(
    ("sequences", "before", "missing"),
    [
        ((1, 2, 3), None, []),
        ((1, 2, 5, 6), None, [(3, 4)]),
        ((5,), None, []),
        ((9998, 9999, 1, 2), None, []),
        ((9997, 9999, 1, 3), None, [(9998, 9998), (2, 2)]),
        ((9998, 1, 9999, 2), None, []),
        ((80, 81, 82, 1, 2), None, []),
        ((3, 1, 2), None, []),
        ((100, 99, 101), None, []),
        ((12, 13), 10, [(11, 11)]),
        ((11, 12), 10, []),
        ((1, 2), 80, []),
        ((90_000, 90_001), 10, []),
        ((1, 2, 90_000), None, []),
    ],
)
def test_a_gap_is_a_missing_number_not_a_wrap_a_reset_or_a_parked_basket(
    sequences: tuple[int, ...], before: int | None, missing: list[tuple[int, int]]
) -> None:
    found = gaps(used(*sequences), {} if before is None else {"1": before})

    assert [(gap.missing_from, gap.missing_to) for gap in found] == missing


@given(st.integers(0, 9000), st.integers(1, 200), st.sets(st.integers(1, 198), max_size=20))
def test_exactly_the_numbers_taken_out_of_a_run_are_missing(start: int, length: int, out: set[int]) -> None:
    whole = list(range(start, start + length))
    inner = {start + place for place in out if 0 < place < length - 1}
    kept = [number for number in whole if number not in inner]

    found = gaps(used(*kept), {})

    assert {number for gap in found for number in range(gap.missing_from, gap.missing_to + 1)} == inner


def test_tills_are_judged_apart() -> None:
    assert gaps([*used(1, 2), *used(3, 4, till="2")], {}) == []


@pytest.mark.parametrize(
    ("closings", "waiting", "posted", "state"),
    [
        (0, 3, True, DayState.OPEN),
        (1, 0, False, DayState.CLOSED),
        (1, 2, True, DayState.LATE),
        (2, 0, True, DayState.POSTED),
    ],
)
def test_a_day_is_what_was_done_and_what_has_come(
    *, closings: int, waiting: int, posted: bool, state: DayState
) -> None:
    assert day_state(closings=closings, waiting=waiting, posted=posted) is state


def test_the_business_day_is_not_the_calendars() -> None:
    late = replaced(sale(1), ended_at=OPENING + timedelta(hours=17))

    assert late.ref.business_day == date(2026, 11, 27)
