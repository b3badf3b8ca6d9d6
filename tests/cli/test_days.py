"""Store days, as the command line closes them."""

from datetime import date, timedelta

import pytest

from cli.conftest import Desk
from crossdock.assembly.hub import Hub
from crossdock.eventlog.service import Origin
from crossdock.finance import service as finance
from crossdock.finance.service import Told
from crossdock.foundation.clock import SYSTEM_CLOCK
from finance.tills import sale

STORE = """\
locations:
  - {code: S01, name: North, kind: store, zone: Europe/Berlin}
"""


def test_a_day_of_the_future_is_refused_in_one_sentence_and_one_that_has_begun_is_closed(connected: Desk) -> None:
    (connected.estate / "stores.yaml").write_text(STORE)
    assert connected.run("estate", "apply").code == 0
    today = SYSTEM_CLOCK.now().date()

    early = connected.run("day", "close", (today + timedelta(days=3)).isoformat())

    assert early.code == 2
    assert early.err.startswith(f"{today + timedelta(days=3)} has not begun in S01, where today is ")
    assert connected.run("day", "list").out == "No receipts have come in.\n"
    assert connected.run("day", "close", (today - timedelta(days=1)).isoformat()).code == 0


def test_closing_says_what_it_leaves_out_until_the_estate_books_it(connected: Desk) -> None:
    day = SYSTEM_CLOCK.now().date()

    async def tell(parts: Hub) -> None:
        told = [
            Told(receipt=sale(n, day=day, currency=currency), origin=Origin.begin("tills"))
            for n, currency in ((1, "EUR"), (2, "USD"))
        ]
        async with parts.database.transaction() as tx:
            await finance.record_receipts(tx, await parts.estate.get(tx), told, now=parts.clock.now())

    connected.hub(tell)

    said = connected.run("day", "close", day.isoformat(), "--store", "s1")

    assert said.code == 1
    assert said.out == "s1: 1 receipts, 11.90 EUR; left out, its currency is not booked: 1 receipts, 11.90 USD.\n"
    (connected.estate / "books.yaml").write_text("till_posting: {currencies: [USD]}\n")
    assert connected.run("estate", "apply").code == 0
    said = connected.run("day", "close", day.isoformat(), "--store", "s1")
    assert (said.code, said.out) == (0, "s1: 1 receipts, 11.90 USD.\n")


@pytest.fixture
def traded(connected: Desk) -> Desk:
    """A store that has traded today, last winter, and the year before."""

    async def tell(parts: Hub) -> None:
        days = (date(2024, 12, 24), date(2025, 1, 2), parts.clock.now().date())
        told = [Told(receipt=sale(n, day=day), origin=Origin.begin("tills")) for n, day in enumerate(days, 1)]
        async with parts.database.transaction() as tx:
            await finance.record_receipts(tx, await parts.estate.get(tx), told, now=parts.clock.now())

    connected.hub(tell)
    return connected


def listed(desk: Desk, *words: str) -> list[object]:
    return [row["day"] for row in desk.rows("day", "list", *words)]


def test_days_of_long_ago_are_listed_from_the_first_one_asked_for(traded: Desk) -> None:
    today = SYSTEM_CLOCK.now().date().isoformat()

    assert listed(traded) == [today]
    assert listed(traded, "--since", "2025-01-01") == ["2025-01-02", today]
    assert listed(traded, "--since", "2024-12-24", "--until", "2025-01-02") == ["2024-12-24", "2025-01-02"]
    assert listed(traded, "--since", "2024-01-01", "--store", "nowhere") == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ("--since", "2025-02-01", "--until", "2025-01-01"),
            "--until 2025-01-01 lies before 2025-02-01, the first day",
        ),
        (("--since", "0001-01-01"), "--since must lie"),
    ],
)
def test_a_span_without_days_is_one_sentence(traded: Desk, words: tuple[str, ...], sentence: str) -> None:
    said = traded.run("day", "list", *words)

    assert said.code == 2
    assert said.err.startswith(sentence)
