"""Whatever a connector can say has one effect, through the same door for all of them."""

import ast
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from assembly.parts import DC, NOW, SHOP, STORE, TEA, Said, World, fulfilment_of, order
from crossdock.assembly.appliers import appliers, apply_news
from crossdock.assembly.healing import heal
from crossdock.canonical.base import ChannelCode, ChannelOrderId, Code
from crossdock.canonical.orders import OrderChanged, PaymentStatus
from crossdock.canonical.receipts import ReceiptKind, ReceiptLine, ReceiptRef, ReceiptTender, SaleRecorded
from crossdock.canonical.schemas import DOCUMENTS
from crossdock.canonical.stock import (
    DocumentSeen,
    FloorMovement,
    ItemDescribed,
    MovementRecorded,
    ShipmentReported,
    StockCounted,
)
from crossdock.crossref import service as crossref
from crossdock.crossref.model import LandedDocument
from crossdock.estate.model import TillPosting
from crossdock.eventlog.service import Origin
from crossdock.finance import service as finance
from crossdock.inventory import service as inventory
from crossdock.operations.casework import service as casework
from crossdock.operations.casework.service import By, Worked

CONNECTORS = Path(__file__).parents[2] / "src" / "crossdock" / "connectors"
DAY = date(2026, 11, 27)
NAMES = {kind.__name__: kind for kind in DOCUMENTS.values()}


def receipt(sequence: int = 1, amount: str = "10", **more: object) -> SaleRecorded:
    fields: dict[str, object] = {
        "store": STORE,
        "till": "1",
        "business_day": DAY,
        "sequence": sequence,
        "ended_at": NOW,
        "currency": "EUR",
        "total": Decimal(amount),
        "lines": (ReceiptLine(number=1, sku=TEA, quantity=Decimal(1), amount=Decimal(amount)),),
        "tenders": (ReceiptTender(tender="cash", amount=Decimal(amount)),),
    }
    return SaleRecorded(**{**fields, **more})  # type: ignore[arg-type]  # plain fields, checked by the struct itself


def movement(reference: str = "m1", quantity: int = 5) -> MovementRecorded:
    return MovementRecorded(
        reference=reference,
        kind=FloorMovement.RECEIVE,
        sku=TEA,
        location=DC,
        quantity=Decimal(quantity),
        happened_at=NOW,
    )


def count(reference: str = "c1", on_hand: int = 3) -> StockCounted:
    return StockCounted(sku=TEA, location=DC, on_hand=Decimal(on_hand), as_of=NOW, reference=reference)


def change(number: str, *, paid: PaymentStatus = PaymentStatus.REFUNDED) -> OrderChanged:
    return OrderChanged(
        channel=ChannelCode("web"),
        channel_order_id=ChannelOrderId(number),
        updated_at=NOW + timedelta(minutes=5),
        payment_status=paid,
    )


def seen(document_id: str, reference: str) -> DocumentSeen:
    return DocumentSeen(kind="sale", document_id=document_id, reference=reference, state="draft", changed_at=NOW)


def shipment(reference: str, document_id: str = "P-1") -> ShipmentReported:
    return ShipmentReported(reference=reference, document_id=document_id, shipped_at=NOW, carrier="DHL")


# ---------------------------------------------------------------- the table


def test_every_document_has_an_applier_and_every_applier_a_document(world: World) -> None:
    assert set(appliers(world.hub).by_type) == set(DOCUMENTS.values())


def made_by_connectors() -> Iterator[tuple[str, str]]:
    """(connector, document) for every canonical document that a connector's code constructs."""
    for module in sorted(CONNECTORS.rglob("*.py")):
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in NAMES:
                yield module.relative_to(CONNECTORS).parts[0], node.func.id


def test_whatever_a_connector_makes_can_be_applied(world: World) -> None:
    made = set(made_by_connectors())
    known = {kind.__name__ for kind in appliers(world.hub).by_type}

    assert {document for _, document in made} <= known
    assert {connector for connector, _ in made} == {"pos", "shopify", "tryton"}, "the walk sees every connector"


async def test_what_a_connector_learns_while_sending_is_a_shipment_and_nothing_else(world: World) -> None:
    async with world.database.transaction() as tx:
        with pytest.raises(TypeError, match="no connector may report ItemDescribed while sending"):
            await apply_news(tx, ItemDescribed(sku=TEA, name="Tea"), Origin.begin("erp"), NOW)


# ---------------------------------------------------------------- what arrives, and arrives again

FIRST_AND_AGAIN: list[tuple[Said, Said]] = [
    (order("1"), order("1")),
    (receipt(), receipt()),
    (movement(), movement()),
]


@pytest.mark.parametrize(("first", "again"), FIRST_AND_AGAIN, ids=lambda said: type(said).__name__)
async def test_the_same_business_fact_by_another_way_is_recognised(world: World, first: Said, again: Said) -> None:
    """Another message with another event id: what counts is what it says."""
    await world.hear(first, event_id="webhook")
    await world.hear(again, event_id="poll")

    assert await world.states() == ["applied", "repeated"]


@pytest.mark.parametrize(
    "said", [*(first for first, _ in FIRST_AND_AGAIN), count()], ids=lambda said: type(said).__name__
)
async def test_a_redelivered_message_has_no_second_effect(world: World, said: Said) -> None:
    await world.hear(said, event_id="same")
    facts = len(await world.facts())
    await world.hear(said, event_id="same")

    assert await world.states() == ["applied", "repeated"]
    assert len(await world.facts()) == facts


@pytest.mark.parametrize("said", [ItemDescribed(sku=TEA, name="Tea"), count()], ids=lambda said: type(said).__name__)
async def test_what_states_how_things_are_changes_nothing_when_they_are_so(world: World, said: Said) -> None:
    await world.hear(said)
    facts = len(await world.facts())
    await world.hear(said)

    assert await world.states() == ["applied", "applied"]
    assert len(await world.facts()) == facts


# ---------------------------------------------------------------- contradictions are for people, with the place


@pytest.mark.parametrize(
    ("first", "contradiction", "path"),
    [
        (receipt(amount="10"), receipt(amount="11"), "$.sequence"),
        (movement(quantity=5), movement(quantity=6), "$.reference"),
        (count(on_hand=3), count(on_hand=4), "$.reference"),
    ],
    ids=["receipt", "movement", "count"],
)
async def test_a_contradiction_is_set_aside_with_its_place(
    world: World, first: Said, contradiction: Said, path: str
) -> None:
    await world.hear(first)
    await world.hear(contradiction)
    await world.react()

    assert await world.states() == ["applied", "rejected"]
    assert [record.path for record in await world.records()][1] == path
    told = {each.type for each in await world.exceptions()} & {"message_rejected", "receipt_conflict"}
    assert told == {"receipt_conflict" if isinstance(first, SaleRecorded) else "message_rejected"}


@pytest.mark.parametrize("reference", ["handmade", "019a9f6e-2c3d-7a10-8b4c-5d6e7f809112"])
async def test_a_shipment_of_nothing_of_ours_is_set_aside(world: World, reference: str) -> None:
    await world.hear(shipment(reference))

    (record,) = await world.records()
    assert (record.state, record.path) == ("rejected", "$.reference")
    assert "is no fulfilment of ours" in record.reason


async def test_a_count_beyond_what_may_be_corrected_asks_a_person(world: World) -> None:
    """Its first count opens the books of a position; later ones may correct them by what the estate allows."""
    await world.hear(count("first", on_hand=100))
    await world.hear(count("small", on_hand=98))
    await world.hear(count("large", on_hand=3))
    await world.react()

    async with world.database.transaction() as tx:
        (position,) = await inventory.positions(tx, [TEA], now=NOW)
    assert position.on_hand == 98
    (told,) = [each for each in await world.exceptions() if each.type == "stock_discrepancy"]
    assert told.detail == "the hub's books say 98, count large of shop says 3: not booked"


# ---------------------------------------------------------------- parents


async def test_news_of_an_order_waits_for_the_order(world: World) -> None:
    await world.hear(change("7"), key="order/7", waits_for="order/7")
    assert await world.states() == ["waiting"]

    await world.hear(order("7"), key="order/7")

    assert await world.states() == ["applied", "applied"]


async def test_a_void_waits_for_the_receipt_that_it_takes_back(world: World) -> None:
    original = receipt(1)
    ref = ReceiptRef(store=STORE, till="1", business_day=DAY, sequence=1)
    void = receipt(2, "-10", kind=ReceiptKind.VOID, voids=ref, lines=(), tenders=())
    await world.hear(void, key="receipt/2", waits_for="receipt/1")
    assert await world.states() == ["waiting"]

    await world.hear(original, key="receipt/1")

    assert await world.states() == ["applied", "applied"]


# ---------------------------------------------------------------- shipments and our own writes


async def test_a_shipment_ships_its_fulfilment_once(world: World) -> None:
    await world.know(TEA)
    await world.land(TEA, 5)
    (order_id,) = await world.accept(order("1"))
    await world.react()
    fulfilment = str(fulfilment_of(await world.view(order_id)))

    await world.hear(shipment(fulfilment), event_id="webhook")
    await world.hear(shipment(fulfilment), event_id="poll")

    assert await world.states() == ["applied", "repeated"]
    assert [event.type for event in await world.facts()].count("fulfilment.shipped") == 1


async def test_a_shipment_learnt_while_sending_and_polled_later_is_one(world: World) -> None:
    await world.know(TEA)
    await world.land(TEA, 5)
    (order_id,) = await world.accept(order("1"))
    await world.react()
    told = shipment(str(fulfilment_of(await world.view(order_id))))
    async with world.database.transaction() as tx:
        await apply_news(tx, told, Origin.begin("erp"), NOW)

    await world.hear(told)

    assert await world.states() == ["repeated"]
    assert [event.type for event in await world.facts()].count("fulfilment.shipped") == 1


async def test_our_own_documents_are_recognised_when_a_poll_brings_them_back(world: World) -> None:
    landed = LandedDocument(
        connection=SHOP,
        kind="sale.post",
        reference="ours",
        document_id="4711",
        number="SO-1",
        subject="order/1",
        landed_at=NOW,
    )
    async with world.database.transaction() as tx:
        await crossref.remember_document(tx, landed)

    await world.hear(seen("4711", "ours"))
    await world.hear(seen("4712", ""))
    await world.hear(seen("4711", ""))

    assert await world.states() == ["own", "applied", "applied"]


async def test_a_receipt_that_contradicts_the_books_is_one_exception_with_its_money_and_its_message(
    world: World,
) -> None:
    await world.know(TEA)
    await world.land(TEA, 5, STORE)
    await world.hear(receipt(), event_id="1")
    await world.hear(receipt(amount="12"), event_id="2")
    await world.hear(receipt(amount="12"), event_id="2")
    await world.react()

    assert await world.states() == ["applied", "rejected", "repeated"]
    (found,) = await world.exceptions()
    assert (found.type, found.amount, found.occurrences) == ("receipt_conflict", Decimal(12), 1)
    assert found.label == f"receipt 1 of till 1 in {STORE}, 2026-11-27"
    async with world.database.transaction() as tx:
        sight = await casework.look(tx, world.hub.vault, found.id)
        assert sight is not None
        assert sight.message is not None
        assert isinstance(await casework.dismiss(tx, found, By(who="ada", why="a typo", now=NOW)), Worked)
    await world.react()
    assert await world.exceptions() == []
    assert (await world.states())[1] == "dismissed"


async def test_money_in_a_currency_that_nobody_books_is_one_matter_of_its_store_until_the_estate_books_it(
    world: World,
) -> None:
    await world.know(TEA)
    await world.land(TEA, 5, STORE)
    for number in (1, 2):
        await world.hear(receipt(number, currency="USD"), key=str(number))
    await world.react()

    (found,) = await world.exceptions()
    assert (found.type, found.owner, found.subject) == ("currency_foreign", "finance", f"store/{STORE}")
    assert (found.amount, found.currency, found.occurrences) == (Decimal(20), "USD", 2)

    async with world.database.transaction() as tx:
        estate = await world.hub.estate.get(tx)
        await finance.close_day(tx, estate, STORE, DAY, now=NOW)
    await world.apply_estate(msgspec.structs.replace(estate, till_posting=TillPosting(currencies=(Code("USD"),))))
    await heal(world.hub)
    assert len(await world.exceptions()) == 1, "its money is still left out of a closed day"

    async with world.database.transaction() as tx:
        await finance.close_day(tx, await world.hub.estate.get(tx), STORE, DAY, now=NOW)
    await heal(world.hub)
    assert await world.exceptions() == []


async def test_a_silent_till_is_a_matter_of_its_store_until_a_receipt_of_it_comes(world: World) -> None:
    await world.know(TEA)
    await world.land(TEA, 5, STORE)
    week = timedelta(weeks=1)
    usual = [NOW - n * week - timedelta(minutes=15 * place) for n in (1, 2) for place in range(20)]
    heard = [finance.Heard(store=STORE, till="1", heard_at=at) for at in (*usual, NOW - timedelta(hours=4))]
    async with world.database.transaction() as tx:
        await finance.hear(tx, heard, now=NOW)
        await finance.tell_silent(tx, await world.hub.estate.get(tx), now=NOW)
    await world.react()
    (found,) = await world.exceptions()
    assert (found.type, found.subject, found.path) == ("till_silent", f"store/{STORE}", "1")

    await world.hear(receipt())
    await world.react()
    assert await world.exceptions() == []
