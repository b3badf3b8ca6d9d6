"""A receipt is in the books once, with its goods, whatever comes first, twice, late, or by several doors."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import psycopg
import pytest

from crossdock.canonical.facts import ItemUnknown, ReceiptConflict, ReceiptRecorded, ReceiptUnsound
from crossdock.canonical.receipts import ReceiptKind
from crossdock.eventlog.service import Origin
from crossdock.finance import service as finance
from crossdock.finance.model import Conflict, OriginalMissing, ReceiptKey, Recorded, Repeated
from crossdock.finance.service import Told
from crossdock.foundation.db import Database
from finance.tills import DAY, STORE, Books, line, ref, sale, void


@pytest.fixture
async def books(database: Database) -> Books:
    made = Books(database)
    await made.know("A", "B")
    return made


async def test_a_receipt_told_again_is_repeated_and_moves_nothing(books: Books) -> None:
    (first,) = await books.tell(sale(1))
    (again,) = await books.tell(sale(1), source="upload")
    both = await books.tell(sale(2), sale(2))

    assert isinstance(first, Recorded)
    assert again == Repeated(receipt_id=first.receipt_id)
    assert [type(each) for each in both] == [Recorded, Repeated]
    assert await books.on_hand("A") == -2
    assert len(await books.facts(ReceiptRecorded)) == 2


async def test_the_same_number_with_other_content_is_for_a_person(books: Books) -> None:
    (first,) = await books.tell(sale(1))
    (other,) = await books.tell(sale(1, line(amount="5.00", tax=None)))

    assert isinstance(first, Recorded)
    assert isinstance(other, Conflict)
    assert other.receipt_id == first.receipt_id
    (fact,) = await books.facts(ReceiptConflict)
    assert isinstance(fact, ReceiptConflict)
    assert fact.total == Decimal("5.00")
    assert await books.on_hand("A") == -1


async def test_the_same_receipt_by_many_doors_at_once_is_recorded_once(books: Books) -> None:
    receipts = [sale(number, line("A"), line("B")) for number in range(1, 21)]

    outcomes = await asyncio.gather(*(books.tell(*receipts, source=f"door{door}") for door in range(8)))

    for place in range(len(receipts)):
        assert sorted(type(each[place]).__name__ for each in outcomes) == ["Recorded", *["Repeated"] * 7]
    assert await books.on_hand("A") == -20
    assert (await books.closed()).total == sum(receipt.total for receipt in receipts)


async def test_doors_that_tell_in_different_orders_do_not_deadlock(books: Books) -> None:
    await books.tell(sale(9999, kind=ReceiptKind.CONTROL))  # the day is known: nobody waits for its row
    sold = [sale(number, line("A"), line("B")) for number in range(1, 11)]
    receipts = [*sold, *(sale(number, kind=ReceiptKind.CONTROL) for number in range(11, 1500))]

    await asyncio.gather(*(books.tell(*(receipts if door % 2 else receipts[::-1])) for door in range(8)))

    assert await books.on_hand("B") == -10


async def test_returned_goods_come_back(books: Books) -> None:
    await books.tell(sale(1, line(quantity="3")), sale(2, line(back=True)))

    assert await books.on_hand("A") == -2


async def test_a_void_takes_its_receipt_back_once(books: Books) -> None:
    sold = sale(1, line(quantity="2"))
    await books.tell(sold)

    first, again = await books.tell(void(2, sold), void(2, sold))
    (second,) = await books.tell(void(3, sold))

    assert isinstance(first, Recorded)
    assert isinstance(again, Repeated)
    assert isinstance(second, Conflict)
    assert await books.on_hand("A") == 0
    run = await books.closed()
    assert not any((run.total, run.journal, run.goods))


async def test_a_void_waits_for_its_receipt(books: Books) -> None:
    sold = sale(1)

    (early,) = await books.tell(void(2, sold))
    assert early == OriginalMissing(original=ref(1))
    await books.tell(sold)
    (late,) = await books.tell(void(2, sold))

    assert isinstance(late, Recorded)
    assert await books.on_hand("A") == 0


async def test_a_void_and_its_receipt_may_come_together_in_any_order(books: Books) -> None:
    sold = sale(1)

    outcomes = await books.tell(void(2, sold), sold)

    assert [type(each) for each in outcomes] == [Recorded, Recorded]
    assert await books.on_hand("A") == 0


async def test_voids_of_one_receipt_at_once_reverse_it_once(books: Books) -> None:
    sold = sale(1)
    await books.tell(sold)

    outcomes = await asyncio.gather(*(books.tell(void(10 + door, sold)) for door in range(8)))

    assert sorted(type(each).__name__ for (each,) in outcomes) == [*["Conflict"] * 7, "Recorded"]
    assert await books.on_hand("A") == 0


async def test_a_void_cannot_be_voided(books: Books) -> None:
    sold = sale(1)
    undone = void(2, sold)
    await books.tell(sold, undone)

    (outcome,) = await books.tell(void(3, undone))

    assert isinstance(outcome, Conflict)
    assert await books.on_hand("A") == 0


async def test_what_posts_nothing_uses_its_number_only(books: Books) -> None:
    kinds = (ReceiptKind.CONTROL, ReceiptKind.CANCELLED, ReceiptKind.TRAINING)
    receipts = [sale(number, line(), kind=kind) for number, kind in enumerate(kinds, 2)]

    await books.tell(sale(1), *receipts, sale(5))

    run = await books.closed()
    assert (run.receipts, run.total) == (2, Decimal("23.80"))
    assert await books.on_hand("A") == -2
    async with books.database.transaction() as tx:
        assert await finance.check_gaps(tx, STORE, DAY, now=books.now) == []


@pytest.mark.parametrize("together", [True, False])
async def test_a_parked_basket_that_is_finished_counts_as_its_sale(books: Books, *, together: bool) -> None:
    parked = sale(1, line(), kind=ReceiptKind.CANCELLED)
    if together:
        outcomes = await books.tell(parked, sale(1))
    else:
        outcomes = [*await books.tell(parked), *await books.tell(sale(1)), *await books.tell(parked)]

    assert isinstance(outcomes[1], Recorded)
    assert await books.on_hand("A") == -1
    assert (await books.closed()).total == Decimal("11.90")
    assert await books.facts(ReceiptConflict) == []


async def test_a_receipt_that_does_not_agree_with_itself_is_kept_and_told(books: Books) -> None:
    await books.tell(sale(1, paid="11.80"))

    (fact,) = await books.facts(ReceiptUnsound)
    assert isinstance(fact, ReceiptUnsound)
    assert fact.difference == Decimal("-0.10")
    run = await books.closed()
    booked = {entry.account: entry.debit - entry.credit for entry in run.journal}
    assert (booked["tender.cash"], booked["over_short"]) == (Decimal("11.80"), Decimal("0.10"))


async def test_goods_that_no_catalogue_knows_move_all_the_same(books: Books) -> None:
    await books.tell(sale(1, line("mystery"), line("A")), sale(2, line("mystery")))

    assert await books.on_hand("mystery") == -2
    (fact,) = await books.facts(ItemUnknown)
    assert isinstance(fact, ItemUnknown)
    assert (fact.sku, fact.location) == ("mystery", STORE)


async def test_a_recorder_killed_before_its_commit_leaves_nothing(books: Books) -> None:
    told = [Told(receipt=sale(1), origin=Origin.begin("tills"))]

    async def die() -> None:
        async with books.database.transaction() as tx:
            await finance.record_receipts(tx, books.estate, told, now=books.now)
            async with books.database.transaction() as other:
                await other.execute("SELECT pg_terminate_backend(%s, 5000)", (tx.info.backend_pid,))
            await tx.execute("SELECT 1")

    with pytest.raises(psycopg.OperationalError):
        await die()
    assert await books.on_hand("A") == 0

    (outcome,) = await books.tell(sale(1))

    assert isinstance(outcome, Recorded)
    assert await books.on_hand("A") == -1


async def test_a_receipt_can_be_read_again_as_it_stands(books: Books) -> None:
    await books.tell(sale(1))

    async with books.database.transaction() as tx:
        found = await finance.find_receipt(tx, ReceiptKey.of(ref(1)))
        missing = await finance.find_receipt(tx, ReceiptKey.of(ref(2)))

    assert found == sale(1)
    assert missing is None


async def test_a_receipt_of_another_day_belongs_to_that_day(books: Books) -> None:
    tomorrow = DAY + timedelta(days=1)
    await books.tell(sale(1), sale(2, day=tomorrow))

    assert (await books.closed()).receipts == 1
    assert (await books.closed(tomorrow)).receipts == 1
