"""Laws of what customers do, and of the bodies that tell it."""

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType
from hypothesis import given
from hypothesis import strategies as st

from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.ids import randomness
from crossdock.simulation.shop import Order, OutOfStock, Purchase, PurchaseLine, Shop, Shopper, Tracking
from crossdock.simulation.shop.api.schema import load_checks, minimal_checks
from crossdock.simulation.shop.api.tables import MUTATIONS, QUERIES, table_of
from crossdock.simulation.shop.model import Level, Refund
from crossdock.simulation.shop.pricing import spread
from crossdock.simulation.shop.refunding import MoneyBack, NotRefundable, Unwanted
from crossdock.simulation.shop.rest_shape import fulfillment_body, inventory_level_body, order_body
from simulation.shop.rehearsal import HAS_SPECS, NO_SPECS, SPECS, START, small_seed

FIXTURES = SPECS / "channels/shopify/rest_fixtures_2026-07"
CENT = Decimal("0.01")


def open_small_shop(*, taxes_included: bool = False) -> Shop:
    return Shop(small_seed(taxes_included=taxes_included), clock=VirtualClock(START))


def buy(shop: Shop, *lines: tuple[str, int], **terms: object) -> Order:
    purchase = Purchase(lines=tuple(PurchaseLine(*line) for line in lines))
    order = shop.place_order(msgspec.structs.replace(purchase, **terms))
    assert isinstance(order, Order), order
    return order


def levels(shop: Shop, sku: str) -> list[Level]:
    return list(shop.books.stock.levels_of(shop.books.catalogue.by_sku[sku]))


def units(shop: Shop, sku: str) -> tuple[int, int, int]:
    """Available, committed, on hand over all places."""
    found = levels(shop, sku)
    return (
        sum(each.quantity("available") for each in found),
        sum(each.quantity("committed") for each in found),
        sum(each.quantity("on_hand") for each in found),
    )


def test_a_sale_moves_available_to_committed() -> None:
    shop = open_small_shop()
    buy(shop, ("APPLE", 4))

    assert units(shop, "APPLE") == (6, 4, 10)


def test_more_than_is_available_is_not_sold() -> None:
    shop = open_small_shop()

    outcome = shop.place_order(Purchase(lines=(PurchaseLine("PEAR", 3), PurchaseLine("PEAR", 3))))

    assert outcome == OutOfStock("PEAR", 6, 5)
    assert units(shop, "PEAR") == (5, 0, 5)
    assert not shop.books.orders


def test_what_one_place_cannot_send_is_split_over_places() -> None:
    shop = open_small_shop()
    order = buy(shop, ("PEAR", 5))

    assert [sum(part.total for part in work.lines) for work in order.fulfillment_orders] == [3, 2]


def test_overselling_is_written_down_against_belief_and_truth() -> None:
    shop = open_small_shop()
    buy(shop, ("LAST", 2), oversell=True)
    buy(shop, ("APPLE", 3), truth={"APPLE": 1})

    assert [(each.sku, each.quantity, each.truth) for each in shop.books.oversold] == [
        ("LAST", 1, None),
        ("APPLE", 2, 1),
    ]


def test_cancelling_gives_everything_back_once() -> None:
    shop = open_small_shop()
    order = buy(shop, ("APPLE", 4), ("PEAR", 5))

    assert shop.cancel_order(order.id) is None
    assert shop.cancel_order(order.id) == "order was already cancelled"
    assert (units(shop, "APPLE"), units(shop, "PEAR")) == ((10, 0, 10), (5, 0, 5))
    assert order.financial_status == "refunded"
    assert order.current_sum().total == 0


def test_a_sent_order_cannot_be_cancelled() -> None:
    shop = open_small_shop()
    order = buy(shop, ("APPLE", 1))
    shop.fulfil({order.fulfillment_orders[0].id: None}, Tracking())

    assert shop.cancel_order(order.id) is not None
    assert order.fulfillment_status == "fulfilled"


def test_money_that_stays_leaves_a_cancelled_order_paid() -> None:
    shop = open_small_shop()
    order = buy(shop, ("APPLE", 4))

    assert shop.cancel_order(order.id, refund=False) is None
    assert (order.financial_status, order.held) == ("paid", order.original_sum().total)
    assert units(shop, "APPLE") == (10, 0, 10)


def test_units_are_taken_off_while_the_rest_goes_on() -> None:
    shop = open_small_shop()
    order = buy(shop, ("APPLE", 4), ("PEAR", 2))
    place, line = order.fulfillment_orders[0].location_id, order.lines[0]
    charge = order.payments[0]

    made = shop.refund(order.id, [Unwanted(line.id, 3, place)], [MoneyBack(charge.id, Decimal("1.00"))])
    too_many = shop.refund(order.id, [Unwanted(line.id, 2, place)])
    too_much = shop.refund(order.id, [], [MoneyBack(charge.id, charge.amount)])

    assert isinstance(made, Refund)
    assert isinstance(too_many, NotRefundable)
    assert isinstance(too_much, NotRefundable)
    assert (units(shop, "APPLE"), units(shop, "PEAR")) == ((9, 1, 10), (3, 2, 5))
    assert (line.current_quantity, line.quantity) == (1, 4)
    assert (order.financial_status, order.held) == ("partially_refunded", charge.amount - 1)
    assert shop.cancel_order(order.id) is None
    assert (order.financial_status, order.held) == ("refunded", Decimal(0))


def test_an_edit_moves_stock_and_money_with_it() -> None:
    shop = open_small_shop()
    order = buy(shop, ("APPLE", 4))

    assert shop.edit_order(order.id, remove={order.lines[0].id: 3}, add={"PEAR": 2}) is None

    assert (units(shop, "APPLE"), units(shop, "PEAR")) == ((9, 1, 10), (3, 2, 5))
    assert order.current_sum().subtotal == Decimal("6.99")
    assert [line.quantity for line in order.lines] == [4, 2]


def test_an_authorized_order_is_paid_once() -> None:
    shop = open_small_shop()
    order = buy(shop, ("APPLE", 1), payment="authorized")

    assert shop.pay(order.id) is None
    assert shop.pay(order.id) == "order is paid"


@given(
    discount=st.decimals(0, 20, places=2),
    grosses=st.lists(st.decimals("0.01", 50, places=2), min_size=1, max_size=6),
)
def test_a_spread_discount_adds_up_and_never_exceeds_its_line(discount: Decimal, grosses: list[Decimal]) -> None:
    discount = min(discount, sum(grosses, Decimal(0)))

    shares = spread(discount, grosses, "USD")

    assert sum(shares, Decimal(0)) == discount
    assert all(0 <= share <= gross for share, gross in zip(shares, grosses, strict=True))


@pytest.mark.parametrize("taxes_included", [False, True])
def test_the_parts_of_an_order_add_up_to_what_the_customer_pays(*, taxes_included: bool) -> None:
    shop = open_small_shop(taxes_included=taxes_included)
    order = buy(shop, ("APPLE", 3), ("LAST", 1), discount=Decimal("5.55"), shipping=Decimal("4.90"))

    worked = order.original_sum()
    expected = worked.line_items - Decimal("5.55") + Decimal("4.90")

    assert worked.total == (expected if taxes_included else expected + worked.tax)
    assert worked.tax > 0


def test_stock_is_what_its_ledger_adds_up_to_after_any_day() -> None:
    shop = open_small_shop()
    chance = randomness(3)
    shopper = Shopper(shop, chance)
    for _ in range(30):
        purchase = shopper.basket()
        if purchase is None:
            break
        order = shop.place_order(purchase)
        assert isinstance(order, Order)
        if chance.random() < 0.4:
            shop.cancel_order(order.id)
        elif chance.random() < 0.5:
            shop.fulfil({order.fulfillment_orders[0].id: None}, Tracking())

    for sku in shop.books.catalogue.by_sku:
        written = sum(entry.delta for entry in shop.books.stock.ledger if entry.sku == sku)
        assert written == units(shop, sku)[2]
        assert min(units(shop, sku)) >= 0


# Bodies and schema against the vendor's own.

JsonShape = dict[str, set[str]]


def shape(value: object, path: str, into: JsonShape) -> None:
    """Every path with the JSON types seen there."""
    into.setdefault(path, set()).add(type(value).__name__)
    if isinstance(value, dict):
        for name, inner in value.items():
            shape(inner, f"{path}.{name}", into)
    elif isinstance(value, list):
        for inner in value:
            shape(inner, f"{path}[]", into)


def fixture_shape(file: Path, one: str, many: str) -> JsonShape:
    """The union over all recorded answers; a record with fewer fields was asked for fewer."""
    seen: JsonShape = {}
    for exchange in msgspec.json.decode(file.read_bytes(), type=list[dict[str, dict[str, object] | None]]):
        response = exchange["response"] or {}
        several = response.get(many)
        for record in [response.get(one), *(several if isinstance(several, list) else ())]:
            if isinstance(record, dict):
                shape(record, "$", seen)
    return seen


def told_shape(body: object) -> JsonShape:
    seen: JsonShape = {}
    shape(msgspec.json.decode(msgspec.json.Encoder(decimal_format="number").encode(body)), "$", seen)
    return seen


def busy_order(shop: Shop) -> Order:
    """One that shows every part of a body: discount, tax, shipping, parcel, edit."""
    order = buy(
        shop, ("APPLE", 4), ("LAST", 1), discount=Decimal(2), shipping=Decimal("4.90"), note="ring", tags=("vip",)
    )
    work = order.fulfillment_orders[0]
    shop.fulfil({work.id: {work.lines[0].id: 1}}, Tracking("DHL", ("JD01",), ("https://example.com/JD01",)))
    return order


def mismatches(ours: JsonShape, vendors: JsonShape) -> list[str]:
    """Paths that the vendor does not have, or where ours has a type never recorded (null is any field's right)."""
    unknown = [path for path in ours if path not in vendors]
    mistyped = [
        f"{path}: {sorted(types)} instead of {sorted(vendors[path])}"
        for path, types in ours.items()
        if path in vendors and vendors[path] != {"NoneType"} and not types - {"NoneType"} <= vendors[path]
    ]
    return unknown + mistyped


@pytest.mark.skipif(not HAS_SPECS, reason=NO_SPECS)
def test_an_order_body_has_the_vendor_s_fields_and_types() -> None:
    shop = open_small_shop()
    vendors = fixture_shape(FIXTURES / "order.json", "order", "orders")
    cancelled = buy(shop, ("PEAR", 2))
    shop.cancel_order(cancelled.id)

    for order in (busy_order(shop), cancelled):
        ours = told_shape(order_body(shop.books, order))
        assert mismatches(ours, vendors) == []
        assert {path for path in vendors if path.count(".") == 1 and not path.endswith("[]")} - ours.keys() == set()
        line_fields = {
            path
            for path in vendors
            if path.startswith("$.line_items[].") and path.count(".") == 2 and not path.endswith("[]")
        }
        assert line_fields - ours.keys() == set()


@pytest.mark.skipif(not HAS_SPECS, reason=NO_SPECS)
def test_parcel_and_level_bodies_have_the_vendor_s_fields_and_types() -> None:
    shop = open_small_shop()
    order = busy_order(shop)
    parcels = fixture_shape(FIXTURES / "fulfillment.json", "fulfillment", "fulfillments")
    stock = fixture_shape(FIXTURES / "inventory_level.json", "inventory_level", "inventory_levels")

    assert mismatches(told_shape(fulfillment_body(shop.books, order, order.fulfillments[0])), parcels) == []
    assert mismatches(told_shape(inventory_level_body(shop.books, levels(shop, "APPLE")[0])), stock) == []


def test_ids_do_not_fit_a_float() -> None:
    shop = open_small_shop()
    order = buy(shop, ("APPLE", 1))

    assert order.id % 2 == 1
    assert order.id > 2**53


def test_every_field_that_is_served_is_described_and_every_described_one_is_served() -> None:
    described = {
        name: set(kind.fields)
        for name, kind in minimal_checks().schema.type_map.items()
        if isinstance(kind, GraphQLObjectType) and not name.startswith("__")
    }

    assert described.pop("QueryRoot") == set(QUERIES)
    assert described.pop("Mutation") == set(MUTATIONS)
    for name, fields in described.items():
        table = table_of(name)
        assert table is not None, name
        assert set(table) == fields, name


@pytest.mark.skipif(not HAS_SPECS, reason=NO_SPECS)
def test_our_own_checks_are_a_part_of_the_vendor_s() -> None:
    vendor = load_checks(SPECS).schema.type_map
    for name, kind in minimal_checks().schema.type_map.items():
        if name.startswith("__"):
            continue
        theirs = vendor[name]
        if isinstance(kind, GraphQLEnumType):
            assert isinstance(theirs, GraphQLEnumType)
            assert kind.values.keys() <= theirs.values.keys(), name
        elif isinstance(kind, GraphQLInputObjectType):
            assert isinstance(theirs, GraphQLInputObjectType)
            for field, entry in kind.fields.items():
                assert str(entry.type) == str(theirs.fields[field].type), (name, field)
        elif isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            assert isinstance(theirs, GraphQLObjectType | GraphQLInterfaceType)
            for field, described in kind.fields.items():
                assert str(described.type) == str(theirs.fields[field].type), (name, field)
                for argument, value in described.args.items():
                    assert str(value.type) == str(theirs.fields[field].args[argument].type), (name, field, argument)
