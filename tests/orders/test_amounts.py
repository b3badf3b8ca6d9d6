"""An order whose money or quantities cannot be right waits for a person, with the field that is to blame."""

from decimal import Decimal

import msgspec
import pytest

from crossdock.canonical.base import Sku, Tax
from crossdock.canonical.orders import Charge, OrderPlaced, Payment, PaymentStatus
from crossdock.canonical.stock import ItemDescribed
from crossdock.catalog import service as catalog
from crossdock.eventlog.service import Origin
from crossdock.orders import service as orders
from crossdock.orders.model import Held, HoldCode
from orders.kit import MUG, NOW, TEA, World, line, order

CARD = "4111111111111111"


def paid(*amounts: str, status: PaymentStatus = PaymentStatus.PAID) -> tuple[Payment, ...]:
    return tuple(Payment(tender="card", amount=Decimal(amount), status=status) for amount in amounts)


def told(base: OrderPlaced, **fields: object) -> OrderPlaced:
    return msgspec.structs.replace(base, **fields)


def taxed(amount: str, *, inclusive: bool) -> OrderPlaced:
    taxed_line = msgspec.structs.replace(line(TEA), taxes=(Tax(code="standard", amount=Decimal(amount)),))
    total = Decimal("4.50") + (0 if inclusive else Decimal(amount))
    return told(order("1", taxed_line), prices_include_tax=inclusive, total=total)


WRONG = {
    "paid less": (told(order("1"), payments=paid("4.00")), HoldCode.PAYMENT_MISMATCH, "$.payments"),
    "paid more": (told(order("1"), payments=paid("4.50", "500")), HoldCode.PAYMENT_MISMATCH, "$.payments"),
    "taken back": (
        told(order("1"), payments=paid("4.50", status=PaymentStatus.VOIDED)),
        HoldCode.PAYMENT_MISMATCH,
        "$.payments",
    ),
    "tax in the price": (taxed("4.51", inclusive=True), HoldCode.AMOUNTS, "$.lines[0].taxes"),
    "tax on the price": (taxed("500", inclusive=False), HoldCode.AMOUNTS, "$.lines[0].taxes"),
    "discount": (
        order("1", line(MUG), msgspec.structs.replace(line(TEA), discount=Decimal("4.51"))),
        HoldCode.AMOUNTS,
        "$.lines[1].discount",
    ),
    "discount of a charge": (
        told(
            order("1"),
            charges=(Charge(code="shipping", amount=Decimal(2), discount=Decimal(3)),),
            total=Decimal("3.50"),
        ),
        HoldCode.AMOUNTS,
        "$.charges[0].discount",
    ),
    "finer than a cent": (order("1", line(TEA, price="19.955")), HoldCode.TOTAL_MISMATCH, "$.total"),
    "beyond the tolerance": (order("1", total="4.56"), HoldCode.TOTAL_MISMATCH, "$.total"),
}


@pytest.mark.parametrize(("wrong", "hold", "path"), WRONG.values(), ids=WRONG)
async def test_what_cannot_be_right_holds_the_order_until_a_person_overrules_it(
    world: World, wrong: OrderPlaced, hold: HoldCode, path: str
) -> None:
    await world.stock(TEA, dc=5)
    await world.stock(MUG, dc=5)

    (order_id,) = await world.bought(wrong)

    (standing,) = (await world.view(order_id)).order.standing
    assert (standing.hold, standing.path) == (hold, path)

    async with world.database.transaction() as tx:
        await orders.release_hold(tx, order_id, hold, who="ada", reason="the customer agrees", now=NOW)
    await world.place(order_id)
    view = await world.view(order_id)
    assert view.order.standing == ()
    assert view.order.units.unplaced == 0


RIGHT = {
    "no payments told": order("1"),
    "in two parts": told(order("1"), payments=paid("4.00", "0.50")),
    "within the tolerance": told(order("1"), payments=paid("4.52")),
    "one of them taken back": told(order("1"), payments=(*paid("4.50"), *paid("4.50", status=PaymentStatus.VOIDED))),
    "told before it was paid": told(order("1"), payments=paid("4.50", status=PaymentStatus.PENDING)),
    "authorised alone": told(order("1", payment=PaymentStatus.AUTHORISED), payments=paid("4.00")),
    "a tax as large as the price": taxed("4.50", inclusive=False),
    "given away": order("1", msgspec.structs.replace(line(TEA), discount=Decimal("4.50"))),
    "a credit line": told(order("1"), charges=(Charge(code="voucher", amount=Decimal(-1)),), total=Decimal("3.50")),
    "rounded": order("1", total="4.55"),
}


@pytest.mark.parametrize("right", RIGHT.values(), ids=RIGHT)
async def test_what_agrees_is_placed(world: World, right: OrderPlaced) -> None:
    await world.stock(TEA, dc=5)

    (order_id,) = await world.bought(right)

    assert (await world.view(order_id)).order.standing == ()


async def test_a_part_of_what_is_counted_each_waits_until_it_is_described_by_weight(world: World) -> None:
    await describe(world, "each")
    await world.stock(TEA, dc=5)
    (order_id,) = await world.bought(order("1", line(TEA, "0.5")))

    (standing,) = (await world.view(order_id)).order.standing
    assert (standing.hold, standing.path) == (HoldCode.FRACTION, "$.lines[0].quantity")
    assert standing.reason == "0.5 of TEA, which is counted each"

    await describe(world, "kg")
    async with world.database.transaction() as tx:
        assert await orders.held_for_items(tx, {Sku(TEA)}) == [order_id]
    (outcome,) = await world.place(order_id)
    assert not isinstance(outcome, Held)


async def describe(world: World, unit: str) -> None:
    async with world.database.transaction() as tx:
        item = ItemDescribed(sku=TEA, name="Tea", unit=unit)
        await catalog.describe(tx, [item], origin=Origin.begin("erp"), now=NOW)


async def test_no_table_holds_a_card_number_that_somebody_wrote_into_a_note_or_reference(world: World) -> None:
    payment = Payment(tender="card", amount=Decimal("4.50"), reference=f"paid with {CARD}")
    (order_id,) = await world.bought(told(order("1"), payments=(payment,), note=f"my card is {CARD}"))

    async with world.database.transaction() as tx:
        view = await orders.get(tx, order_id)
        assert view is not None
        contact = await orders.contact_of(tx, world.vault, view.order)
    assert view.order.header.payments[0].reference == "paid with 411111******1111"
    assert contact is not None
    assert contact.note == "my card is 411111******1111"
    for event in await world.events(view.order.header.correlation_id):
        assert CARD not in msgspec.json.encode(event.fact).decode()
