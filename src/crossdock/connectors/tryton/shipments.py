"""A fulfilment as one Tryton customer shipment, carried through all its steps.

Shipments have no unique key: `reference` carries ours, and whoever makes one looks first (one sender per connection).
Tried on 8.0: moves whose origin is the sale's line make the sale follow by itself (`partially shipped`, `sent`). Steps:
wait, assign_try, pick, pack, ship, do; where goods leave from where they lie, there is no `pick`. `assign_try` says nothing
and takes what it can: only the state tells, and a part stays claimed until `wait` gives it back.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from crossdock.canonical.intents import GoodsLine, IntentDocument, PostShipment
from crossdock.canonical.stock import ShipmentReported
from crossdock.connector_kit.model import Absent, Found, Landed, Outcome, Refused
from crossdock.connector_kit.record import Record
from crossdock.connector_kit.session import Session
from crossdock.connectors.tryton import codes
from crossdock.connectors.tryton.codes import Warehouse, document_id, of_kind
from crossdock.connectors.tryton.rpc import Tryton
from crossdock.connectors.tryton.sales import SALE, find_sale, unhandled_moves
from crossdock.connectors.tryton.wire import Json, changed_at, day, decimal, money_of, quantity

SHIPMENT: Final = "stock.shipment.out"
_FIELDS: Final = ("state", "number", "write_date", "create_date", "warehouse_storage", "warehouse_output")
_AFTER_ASSIGNED: Final[Mapping[str, str]] = {"picked": "pack", "packed": "ship", "shipped": "do"}


async def post_shipments(session: Session, documents: Sequence[IntentDocument]) -> Sequence[Outcome]:
    """Each becomes one shipment that is done; refused as a whole when Tryton lacks a unit, and nothing stays claimed."""
    return [await _post(session, of_kind(document, PostShipment)) for document in documents]


async def probe_shipment(session: Session, document: IntentDocument) -> Found:
    """Done or not; one that is under way counts as absent: `post_shipments` goes on from there."""
    tryton = Tryton(session)
    found = await _find(tryton, document.reference)
    if found is None or found.text("state") != "done":
        return Absent()
    return await _landed(session, tryton, found, document.reference)


async def _find(tryton: Tryton, reference: str) -> Record | None:
    return await tryton.first(SHIPMENT, [["reference", "=", reference], ["state", "!=", "cancelled"]], _FIELDS)


async def _post(session: Session, document: PostShipment) -> Outcome:
    tryton = Tryton(session)
    found = await _going_on(session, tryton, document)
    if isinstance(found, Refused):
        return found
    if found is None:
        made = await _make(session, tryton, document)
        if isinstance(made, Refused):
            return made
        found = await _read(tryton, made)
    short = await _carry_out(tryton, found)
    if short:
        return Refused(reason=f"Tryton lacks {short} at {document.location}", path="$.lines", code="short")
    return await _landed(session, tryton, await _read(tryton, found.whole("id")), document.reference)


async def _going_on(session: Session, tryton: Tryton, document: PostShipment) -> Record | Refused | None:
    """What an earlier try has brought beyond draft, when it still is what shall leave: lines may be cancelled since."""
    found = await _find(tryton, document.reference)
    if found is None or found.text("state") == "done":
        return found
    record, state = found.whole("id"), found.text("state")
    if state == "draft":
        await tryton.delete(SHIPMENT, record)
        return None
    if await _leaving(session, tryton, record) == await _wanted(session, tryton, document):
        return found
    if state == "shipped":
        number = found.text_or_empty("number")
        reason = (
            f"shipment {number} is on its way with more than shall leave now: finish it, or take it back, in Tryton"
        )
        return Refused(reason=reason, path="$.lines", code="shipped_more")
    if state in {"waiting", "assigned"}:
        await _take_back(tryton, record)
        return None
    await tryton.press(SHIPMENT, "cancel", record)
    sale = await find_sale(tryton, document.sale_reference)
    moves = await unhandled_moves(tryton, sale.whole("id")) if sale is not None else []
    if sale is not None and moves:
        ask: Json = {"domain_moves": moves, "recreate_moves": moves, "ignore_moves": []}
        await tryton.wizard("sale.handle.shipment.exception", SALE, sale.whole("id"), "handle", {"ask": ask})
    return None


async def _wanted(session: Session, tryton: Tryton, document: PostShipment) -> Mapping[str, Decimal]:
    """Units per item that moves of stock go with."""
    items = await codes.items(session, tryton, [line.sku for line in document.lines])
    wanted: dict[str, Decimal] = {}
    for line in document.lines:
        if items[line.sku].moves:
            wanted[line.sku] = wanted.get(line.sku, Decimal(0)) + line.quantity
    return wanted


async def _leaving(session: Session, tryton: Tryton, shipment: int) -> Mapping[str, Decimal] | None:
    """Units per item of ours on a shipment; None when something on it is none of ours."""
    domain: Sequence[Json] = [
        ["shipment", "=", document_id(SHIPMENT, shipment)],
        ["to_location.type", "=", "customer"],
        ["state", "!=", "cancelled"],
    ]
    moves = await tryton.rows("stock.move", domain, ["product", "quantity"])
    ours = await session.identities.ours(codes.SKU, sorted({move.key("product") for move in moves}))
    units: dict[str, Decimal] = {}
    for move in moves:
        sku = ours.get(move.key("product"))
        if sku is None:
            return None
        units[sku] = units.get(sku, Decimal(0)) + move.number("quantity")
    return units


async def _make(session: Session, tryton: Tryton, document: PostShipment) -> int | Refused:
    sale = await find_sale(tryton, document.sale_reference)
    if sale is None:
        return Refused(reason="Tryton has no sale for this order", path="$.sale_reference", code="sale_missing")
    place = await codes.warehouse(session, tryton, document.location)
    if not document.lines:
        return Refused(reason="nothing of it is to leave any more", path="$.lines", code="nothing_left")
    items = await codes.items(session, tryton, [line.sku for line in document.lines])
    goods = [line for line in document.lines if items[line.sku].moves]
    if not goods:
        return Refused(
            reason="nothing of it is goods in Tryton: there is nothing to ship", path="$.lines", code="no_goods"
        )
    ids = {sku: item.id for sku, item in items.items()}
    shared = _shared(goods, ids, await _open_lines(tryton, sale.whole("id")))
    if isinstance(shared, Refused):
        return shared
    head = (await tryton.read("sale.sale", [sale.whole("id")], ["party", "shipment_address", "currency"]))[0]
    customer = await codes.customer_location(tryton)
    moves = [_move(line, taken, place, customer, head.whole("currency")) for line, taken in shared]
    return await tryton.create(
        SHIPMENT,
        {
            "customer": head.whole("party"), "delivery_address": head.whole("shipment_address"),
            **place_values(place), "reference": document.reference,
            "planned_date": day(document.released_at.date()), "moves": [["create", moves]],
        },
    )  # fmt: skip


async def _open_lines(tryton: Tryton, sale: int) -> list[tuple[Record, Decimal]]:
    """The sale's lines of goods with what no shipment carries yet."""
    lines = await tryton.rows(
        "sale.line",
        [["sale", "=", sale], ["product.type", "=", "goods"]],
        ["product", "unit", "quantity", "unit_price"],
    )
    moved: dict[str, Decimal] = {}
    domain: Sequence[Json] = [["origin.sale", "=", sale, "sale.line"], ["state", "!=", "cancelled"]]
    for move in await tryton.rows("stock.move", domain, ["origin", "quantity"]):
        moved[move.text("origin")] = moved.get(move.text("origin"), Decimal(0)) + move.number("quantity")
    return [(line, line.number("quantity") - moved.get(_origin(line), Decimal(0))) for line in lines]


def _shared(
    wanted: Sequence[GoodsLine], ids: Mapping[str, int], open_lines: Sequence[tuple[Record, Decimal]]
) -> list[tuple[Record, Decimal]] | Refused:
    """Spread what leaves over the sale's lines of the same item: Tryton only counts per line."""
    left = {line.whole("id"): amount for line, amount in open_lines}
    taken: list[tuple[Record, Decimal]] = []
    for goods in wanted:
        missing = goods.quantity
        for line, _ in open_lines:
            part = min(missing, left[line.whole("id")])
            if line.whole("product") == ids[goods.sku] and part > 0:
                left[line.whole("id")] -= part
                missing -= part
                taken.append((line, part))
        if missing > 0:
            reason = f"the sale in Tryton has {missing} fewer open units of {goods.sku} than shall be shipped"
            return Refused(reason=reason, path="$.lines", code="not_sold")
    return taken


def _move(line: Record, amount: Decimal, place: Warehouse, customer: int, currency: int) -> Mapping[str, Json]:
    return {
        "product": line.whole("product"), "unit": line.whole("unit"), "quantity": quantity(amount),
        "from_location": place.output, "to_location": customer, "unit_price": decimal(money_of(line, "unit_price")),
        "currency": currency, "origin": _origin(line),
    }  # fmt: skip


def place_values(place: Warehouse) -> Mapping[str, Json]:
    """Over RPC no `on_change` fills these in."""
    return {"warehouse": place.id, "warehouse_storage": place.storage, "warehouse_output": place.output}


async def _carry_out(tryton: Tryton, found: Record) -> str:
    """Every step from the present state to done; what is missing in stock, in words, when it cannot be."""
    record, state = found.whole("id"), found.text("state")
    if state == "draft":
        await tryton.press(SHIPMENT, "wait", record)
    if state in {"draft", "waiting"}:
        await tryton.press(SHIPMENT, "assign_try", record)
        state = (await _read(tryton, record)).text("state")
        if state == "waiting":
            missing = await _missing(tryton, found)
            await _take_back(tryton, record)
            return missing
    if state == "assigned":
        picks = found.whole("warehouse_storage") != found.whole("warehouse_output")
        state = "picked"
        if picks:
            await tryton.press(SHIPMENT, "pick", record)
    for stage, button in _AFTER_ASSIGNED.items():
        if state == stage:
            await tryton.press(SHIPMENT, button, record)
            state = {"pack": "packed", "ship": "shipped", "do": "done"}[button]
    return ""


async def _missing(tryton: Tryton, found: Record) -> str:
    """What `assign_try` left in draft at the place where the goods lie."""
    domain: Sequence[Json] = [
        ["shipment", "=", document_id(SHIPMENT, found.whole("id"))],
        ["state", "=", "draft"],
        ["from_location", "=", found.whole("warehouse_storage")],
    ]
    moves = await tryton.rows("stock.move", domain, ["product.code", "quantity"])
    return ", ".join(
        f"{move.number('quantity').normalize():f} of {move.one('product.').text('code')}" for move in moves
    )


async def _take_back(tryton: Tryton, record: int) -> None:
    """`wait` gives the claimed part back, `draft` drops the picking moves; cancelling would leave the sale in exception."""
    await tryton.press(SHIPMENT, "wait", record)
    await tryton.press(SHIPMENT, "draft", record)
    await tryton.delete(SHIPMENT, record)


async def _read(tryton: Tryton, record: int) -> Record:
    return (await tryton.read(SHIPMENT, [record], _FIELDS))[0]


def _origin(line: Record) -> str:
    return f"sale.line,{line.whole('id')}"


async def _landed(session: Session, tryton: Tryton, shipment: Record, reference: str) -> Landed:
    """With the news of what has left: in Tryton, `done` is that moment."""
    named = document_id(SHIPMENT, shipment.whole("id"))
    number = shipment.text_or_empty("number")
    units = await _leaving(session, tryton, shipment.whole("id"))
    left = ShipmentReported(
        reference=reference, document_id=named, shipped_at=changed_at(shipment), number=number,
        lines=tuple(GoodsLine(sku=sku, quantity=amount) for sku, amount in (units or {}).items()),
    )  # fmt: skip
    return Landed(document_id=named, number=number, news=(left,))
