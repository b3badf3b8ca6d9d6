"""Card numbers never get past the door of a document."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.cards import masked
from crossdock.canonical.orders import Payment
from crossdock.canonical.receipts import ReceiptTender


def luhn(stem: str) -> str:
    """The check digit that makes *stem* a card number."""
    total = 0
    for place, digit in enumerate(reversed(stem)):
        doubled = int(digit) * (1 if place % 2 else 2)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


stems = st.text("0123456789", min_size=12, max_size=18)


@given(stems, st.sampled_from(["", "paid with ", "card: "]), st.sampled_from(["", ".", " thanks"]))
def test_a_card_number_keeps_its_first_six_and_last_four_digits(stem: str, before: str, after: str) -> None:
    number = stem + luhn(stem)

    assert masked(f"{before}{number}{after}") == f"{before}{number[:6]}{'*' * (len(number) - 10)}{number[-4:]}{after}"


@given(stems)
def test_a_number_whose_check_digit_is_wrong_is_no_card(stem: str) -> None:
    number = stem + str((int(luhn(stem)) + 1) % 10)

    assert masked(number) == number


@given(st.text(max_size=60))
def test_masking_again_changes_nothing_and_takes_nothing_away(text: str) -> None:
    once = masked(text)

    assert masked(once) == once
    assert len(once) == len(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("4111 1111 1111 1111", "4111 11** **** 1111"),
        ("3782-822463-10005", "3782-82****-*0005"),
        ("order 1042, 2 x LAMP", "order 1042, 2 x LAMP"),
        ("ORD4111111111111111", "ORD411111******1111"),
        ("2 x 1 4111 1111 1111 1111 12-27", "2 x 1 4111 11** **** 1111 12-27"),
        ("4111111111111111 5500005555555559", "411111******1111 550000******5559"),
        ("41111111111111110000000", "41111111111111110000000"),
    ],
)
def test_groups_are_read_and_longer_numbers_are_something_else(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_a_document_never_holds_one_however_it_is_made() -> None:
    number = "4111111111111111"
    written = msgspec.json.encode({"tender": "card", "amount": "1", "reference": number})

    assert msgspec.json.decode(written, type=Payment).reference == "411111******1111"
    assert msgspec.json.decode(written, type=ReceiptTender).reference == "411111******1111"
    assert Payment(tender="card", amount=Decimal(1), reference=number).reference == "411111******1111"
