"""What the hub learns from the ERP, and what it does not tell itself."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from connectors.tryton.intents import goods, issue, landed, sale, shipment
from crossdock.canonical.stock import (
    DocumentSeen,
    FloorMovement,
    HandlingUnit,
    ItemDescribed,
    MovementRecorded,
    ShipmentReported,
    StockCounted,
)
from crossdock.connector_kit.model import Damaged, Decoded, Decoder, Page, Pull, Received
from crossdock.connector_kit.session import Session
from crossdock.connectors.tryton import CONNECTOR, changes
from crossdock.connectors.tryton.feeds import OVERLAP, SKEW, fetch
from crossdock.foundation.clock import SYSTEM_CLOCK, VirtualClock
from crossdock.simulation.erp import Erp, ErpRefusedError, Value
from erp_process import SKUS

pytestmark = [pytest.mark.erp, pytest.mark.asyncio(loop_scope="session")]


def pull(name: str) -> Pull:
    return next(each for each in CONNECTOR.pulls if each.name == name)


def decoded(
    session: Session, page: Page, decode: Decoder, *, matched: Mapping[str, Mapping[str, str]] | None = None
) -> list[Decoded | Damaged]:
    received = Received(
        connection=session.connection, feed="", body=page.body, headers={}, received_at=session.clock.now(),
        settings=session.settings, matched=matched or {},
    )  # fmt: skip
    return list(decode(received))


async def heard(session: Session, feed: Pull, cursor: str) -> tuple[list[Decoded], str]:
    """Everything from *cursor* on."""
    found: list[Decoded] = []
    while True:
        page = await feed.fetch(session, cursor)
        for each in decoded(session, page, feed.decode):
            assert isinstance(each, Decoded), each
            found.append(each)
        cursor = page.cursor
        if not page.more:
            return found, cursor


async def test_items_are_described_at_the_first_run_and_again_when_they_change(erp: Erp, session: Session) -> None:
    first, _ = await heard(session, pull("items"), "")
    _, cursor = await heard(session, pull("item_templates"), "")
    items = {each.document.sku: each.document for each in first if isinstance(each.document, ItemDescribed)}

    def reprice() -> None:
        desk = erp.desk()
        template = desk.one("product.template", [["code", "=", "SKU-030"]])
        desk.call("model.product.template.write", [template], {"list_price": Decimal("7.77")})

    await asyncio.to_thread(reprice)
    news, _ = await heard(session, pull("item_templates"), cursor)

    assert items["SKU-030"].price == Decimal("3.99")
    assert "ROUNDING" not in items
    assert [each.document.price for each in news if isinstance(each.document, ItemDescribed)] == [Decimal("7.77")]


async def test_services_are_items_that_nobody_counts_and_charges_are_no_items(session: Session) -> None:
    told = [*(await heard(session, pull("items"), ""))[0], *(await heard(session, pull("item_templates"), ""))[0]]
    items = {each.document.sku: each.document.tracked for each in told if isinstance(each.document, ItemDescribed)}
    load = next(each for each in CONNECTOR.loads if each.name == "items")
    loaded = decoded(session, await load.fetch(session, ""), load.decode)
    assert CONNECTOR.directory is not None
    listed = {thing.code async for thing in CONNECTOR.directory(session, "sku")}

    assert items == {**dict.fromkeys(SKUS, True), "WRAP": False}
    assert listed == set(items)
    assert {each.document.sku for each in loaded if isinstance(each.document, ItemDescribed)} == set(items)  # type: ignore[union-attr]  # nothing is damaged


async def test_an_items_category_and_unit_of_sale_are_told(erp: Erp, session: Session) -> None:
    _, cursor = await heard(session, pull("item_templates"), "")

    def group() -> None:
        desk = erp.desk()
        [food] = desk.create("product.category", [{"name": "Food & Drink"}])
        [milk] = desk.create("product.category", [{"name": "No. 1 milk", "parent": food}])
        template = desk.one("product.template", [["code", "=", "SKU-029"]])
        [unit] = desk.read_all("product.uom", [["symbol", "=", "u"]], ["category"])
        dozen: dict[str, Value] = {
            "name": "Case of 12",
            "symbol": "case",
            "factor": 12.0,
            "rate": round(1 / 12, 12),
            "digits": 0,
        }
        [case] = desk.create("product.uom", [{**dozen, "category": unit.whole("category"), "rounding": 1.0}])
        described: dict[str, Value] = {"categories": [["add", [milk]]], "sale_uom": case}
        desk.call("model.product.template.write", [template], described)

    await asyncio.to_thread(group)
    news, _ = await heard(session, pull("item_templates"), cursor)

    [told] = [each.document for each in news if isinstance(each.document, ItemDescribed)]
    assert (told.sku, told.unit, told.tracked) == ("SKU-029", "u", True)
    assert told.category == "Food & Drink.No 1 milk"
    assert told.units == (HandlingUnit(code="case", factor=Decimal(12)),)


async def test_own_documents_come_back_as_seen_with_our_reference(session: Session) -> None:
    _, sales = await heard(session, pull("sales"), "")
    _, parcels = await heard(session, pull("shipments"), "")
    order = sale()
    made = await landed(session, order)
    parcel = shipment(order, "DC1", goods(SKU_001=2))
    left = await landed(session, parcel)

    seen_sales, _ = await heard(session, pull("sales"), sales)
    seen_parcels, _ = await heard(session, pull("shipments"), parcels)

    [told] = [each.document for each in seen_sales if isinstance(each.document, DocumentSeen)]
    assert (told.kind, told.document_id, told.reference) == ("sale", made.document_id, order.reference)
    assert told.total == order.total
    kinds = {type(each.document) for each in seen_parcels if _reference(each) == parcel.reference}
    assert kinds == {DocumentSeen, ShipmentReported}
    assert {each.document.document_id for each in seen_parcels if isinstance(each.document, ShipmentReported)} == {
        left.document_id
    }


def _reference(each: Decoded) -> str:
    document = each.document
    return document.reference if isinstance(document, DocumentSeen | ShipmentReported) else ""


async def test_a_run_reaches_back_and_tells_the_same_events_under_the_same_names(session: Session) -> None:
    _, cursor = await heard(session, pull("sales"), "")
    await landed(session, sale())

    once, onwards = await heard(session, pull("sales"), cursor)
    again, _ = await heard(session, pull("sales"), onwards)

    assert once
    assert {each.event_id for each in once} <= {each.event_id for each in again}


async def test_what_was_imported_long_ago_is_read_once(session: Session) -> None:
    """Not again at every run for as long as nothing newer comes: it may be a hundred thousand items."""
    later = replace(session, clock=VirtualClock(SYSTEM_CLOCK.now() + OVERLAP + SKEW + timedelta(minutes=1)))
    first, cursor = await heard(later, pull("items"), "")

    again, _ = await heard(later, pull("items"), cursor)

    assert {each.document.sku for each in first if isinstance(each.document, ItemDescribed)} >= set(SKUS)
    assert again == []


async def test_pages_follow_on_without_loss_when_many_records_share_one_moment(session: Session) -> None:
    small = replace(changes.ITEMS, rows_max=7)
    found: list[str] = []
    cursor, more = "", True

    while more:
        page = await fetch(session, small, cursor)
        cursor, more = page.cursor, page.more
        found += [
            each.document.sku
            for each in decoded(session, page, changes.decode_items)
            if isinstance(each, Decoded) and isinstance(each.document, ItemDescribed)
        ]

    assert sorted(found) == sorted([*SKUS, "WRAP"])


async def test_goods_that_others_move_are_told_and_our_own_are_not(erp: Erp, session: Session) -> None:
    _, cursor = await heard(session, pull("floor"), "")
    await landed(session, issue("S01", goods(SKU_024=1)))
    await asyncio.to_thread(receive, erp, "SKU-025", "S01", 12)
    await asyncio.to_thread(recount, erp, "SKU-026", "S02", 90)

    news, _ = await heard(session, pull("floor"), cursor)

    told = [each.document for each in news if isinstance(each.document, MovementRecorded)]
    assert sorted((each.kind, each.sku, each.location, each.quantity) for each in told) == [
        (FloorMovement.ADJUST, "SKU-026", "S02", Decimal(-10)),
        (FloorMovement.RECEIVE, "SKU-025", "S01", Decimal(12)),
    ]
    assert len({each.reference for each in told}) == len(told)


def receive(erp: Erp, sku: str, location: str, units: int) -> None:
    """A supplier's delivery, entered by the ERP's own people."""
    desk = erp.desk()
    product = desk.one("product.product", [["code", "=", sku]])
    place = desk.read_all("stock.location", [["code", "=", location]], ["storage_location", "input_location"])[0]
    supplier = desk.one("stock.location", [["type", "=", "supplier"]])
    [party] = desk.create("party.party", [{"name": "A supplier", "addresses": [["create", [{}]]]}])
    currency = desk.one("currency.currency", [])
    move: Mapping[str, Value] = {
        "product": product, "unit": 1, "quantity": float(units), "from_location": supplier, "unit_price": Decimal(1),
        "to_location": place.whole("input_location"), "currency": currency,
    }  # fmt: skip
    made = desk.create(
        "stock.shipment.in",
        [
            {
                "supplier": party, "warehouse": place.id, "warehouse_input": place.whole("input_location"),
                "warehouse_storage": place.whole("storage_location"), "incoming_moves": [["create", [move]]],
            }
        ],
    )  # fmt: skip
    try:
        desk.call("model.stock.shipment.in.receive", made)
    except ErpRefusedError as question:
        desk.call("model.res.user.warning.skip", str(question).removeprefix("UserWarning: "), 0)
        desk.call("model.stock.shipment.in.receive", made)


def recount(erp: Erp, sku: str, location: str, units: int) -> None:
    desk = erp.desk()
    product = desk.one("product.product", [["code", "=", sku]])
    place = desk.read_all("stock.location", [["code", "=", location]], ["storage_location"])[0]
    line = {"product": product, "quantity": float(units)}
    made = desk.create(
        "stock.inventory",
        [{"location": place.whole("storage_location"), "empty_quantity": "keep", "lines": [["create", [line]]]}],
    )
    desk.call("model.stock.inventory.confirm", made)


async def test_the_first_load_brings_every_level_once(erp: Erp, session: Session) -> None:
    load = next(each for each in CONNECTOR.loads if each.name == "stock")
    counts: list[StockCounted] = []
    cursor, more = "", True
    while more:
        page = await load.fetch(session, cursor)
        cursor, more = page.cursor, page.more
        counts += [
            each.document
            for each in decoded(session, page, load.decode)
            if isinstance(each, Decoded) and isinstance(each.document, StockCounted)
        ]
    books = await asyncio.to_thread(lambda: erp.books().stock())

    assert len(counts) == len({(each.sku, each.location) for each in counts})
    assert {(each.sku, each.location): each.on_hand for each in counts if each.on_hand} == books


class Forgetful:
    """Everything is linked, except one item."""

    def __init__(self, session: Session) -> None:
        self._all = session.identities

    async def theirs(self, kind: str, ours: Sequence[str]) -> dict[str, str]:
        return dict(await self._all.theirs(kind, ours))

    async def ours(self, kind: str, theirs: Sequence[str]) -> dict[str, str]:
        return {key: code for key, code in (await self._all.ours(kind, theirs)).items() if code != "SKU-002"}

    async def document(self, kind: str, reference: str) -> str | None:
        return await self._all.document(kind, reference)


async def test_an_item_that_nobody_has_linked_is_one_damaged_record_and_can_be_read_once_it_is(
    session: Session,
) -> None:
    load = next(each for each in CONNECTOR.loads if each.name == "stock")
    page = await load.fetch(replace(session, identities=Forgetful(session)), "")

    (damaged,) = [each for each in decoded(session, page, load.decode) if isinstance(each, Damaged)]
    item = (await session.identities.theirs("sku", ["SKU-002"]))["SKU-002"]
    again = decoded(session, page, load.decode, matched={"sku": {item: "SKU-002"}})

    assert damaged.error.reason == 'item "SKU-002" of Tryton is not matched to one of ours'
    assert damaged.error.lacks == f"theirs:sku:{item}"
    assert not [each for each in again if isinstance(each, Damaged)]
    assert "SKU-002" in {
        each.document.sku for each in again if isinstance(each, Decoded) and isinstance(each.document, StockCounted)
    }


async def test_a_movement_of_an_item_that_was_linked_later_is_not_lost(erp: Erp, session: Session) -> None:
    """The page says what was linked when it was read; what has been since is given to the decoder beside it."""
    floor = pull("floor")
    _, start = await heard(session, floor, "")
    await asyncio.to_thread(receive, erp, "SKU-002", "DC1", 3)

    page = await floor.fetch(replace(session, identities=Forgetful(session)), start)

    lacking = [each for each in decoded(session, page, floor.decode) if isinstance(each, Damaged)]
    item = (await session.identities.theirs("sku", ["SKU-002"]))["SKU-002"]
    again = decoded(session, page, floor.decode, matched={"sku": {item: "SKU-002"}})
    moved = [each.document for each in again if isinstance(each, Decoded)]
    assert {each.error.lacks for each in lacking} == {f"theirs:sku:{item}"}
    assert [each.quantity for each in moved if isinstance(each, MovementRecorded) and each.sku == "SKU-002"] == [3]


async def test_the_check_finds_everything_in_place_and_names_what_is_missing(session: Session) -> None:
    assert CONNECTOR.check is not None
    fine = [finding async for finding in CONNECTOR.check(session)]
    wrong = replace(session, settings={**session.settings, "journal": "NOPE"})
    findings = [finding async for finding in CONNECTOR.check(wrong)]

    assert all(finding.ok for finding in fine), [finding for finding in fine if not finding.ok]
    assert [finding.subject for finding in findings if not finding.ok] == ["journal NOPE"]
