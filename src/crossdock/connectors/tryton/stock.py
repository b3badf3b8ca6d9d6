"""Goods without a sale: a store day's issue, transfers, counts. All of them are facts: Tryton is made to follow.

None has a unique key: our reference stands in `reference` (in `number` of a count), and whoever makes one looks first.
What is found in draft was left by an interrupted try and may hold an older payload: it is removed and made again.

Tried on 8.0: a store day is one shipment to the walk-in customer, forced (`assign_force` may leave less than nothing
behind), and, for items that came back on balance, one customer return of the same reference: 300 items take four to five
seconds, half of it for making the moves. Moves to a customer without an origin raise a warning (`….done`), answered once.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from crossdock.canonical.intents import GoodsLine, IntentDocument, PostCount, PostGoodsIssue, PostTransfer
from crossdock.connector_kit.model import Absent, Found, Landed, Outcome, Refused
from crossdock.connector_kit.record import Record
from crossdock.connector_kit.session import Session
from crossdock.connector_kit.verdict import CallFailed, Verdict
from crossdock.connectors.tryton import codes
from crossdock.connectors.tryton.codes import Item, document_id, of_kind
from crossdock.connectors.tryton.customers import party_by_code
from crossdock.connectors.tryton.rpc import Tryton
from crossdock.connectors.tryton.shipments import SHIPMENT, place_values
from crossdock.connectors.tryton.wire import Json, day, decimal, quantity

RETURN: Final = "stock.shipment.out.return"
TRANSFER: Final = "stock.shipment.internal"
COUNT: Final = "stock.inventory"
_FIELDS: Final = ("state", "number")
_NO_ORIGIN: Final = ".done"
_ISSUE_STEPS: Final = (("draft", "wait"), ("waiting", "assign_force"), ("assigned", "pick"), ("picked", "pack"),
                       ("packed", "ship"), ("shipped", "do"))  # fmt: skip
_TRANSFER_STEPS: Final = (("assigned", "pack"), ("packed", "ship"), ("shipped", "do"))
_RETURN_STEPS: Final = (("draft", "receive"), ("received", "do"))


async def post_goods_issues(session: Session, documents: Sequence[IntentDocument]) -> Sequence[Outcome]:
    """Each becomes one shipment to the walk-in customer, with a return beside it when some items came back on balance."""
    return [await _issue(session, of_kind(document, PostGoodsIssue)) for document in documents]


async def probe_goods_issue(session: Session, document: IntentDocument) -> Found:
    """Both parts must be done."""
    tryton = Tryton(session)
    net = netted(of_kind(document, PostGoodsIssue).lines)
    items = await codes.items(session, tryton, tuple(net))
    landed: Landed | None = None
    for model, sign in ((RETURN, -1), (SHIPMENT, 1)):
        if any(sign * amount > 0 for sku, amount in net.items() if items[sku].moves):
            found = await _find(tryton, model, document.reference)
            if found is None or found.text("state") != "done":
                return Absent()
            landed = _landed(model, found)
    return landed or Absent()


def netted(lines: Sequence[GoodsLine]) -> Mapping[str, Decimal]:
    """One figure per item; those that cancel out are left out."""
    net: dict[str, Decimal] = {}
    for line in lines:
        net[line.sku] = net.get(line.sku, Decimal(0)) + line.quantity
    return {sku: amount for sku, amount in net.items() if amount}


async def _issue(session: Session, document: PostGoodsIssue) -> Outcome:
    tryton = Tryton(session)
    net = netted(document.lines)
    if not net:
        return Refused(reason="nothing left the store on balance", path="$.lines", code="empty")
    items = await codes.items(session, tryton, tuple(net))
    moving = {items[sku]: amount for sku, amount in net.items() if items[sku].moves}
    if not moving:
        return Refused(reason="nothing of it is goods in Tryton: no stock moves", path="$.lines", code="no_goods")
    back = {item: -amount for item, amount in moving.items() if amount < 0}
    gone = {item: amount for item, amount in moving.items() if amount > 0}
    landed: Landed | None = None
    if back:
        landed = await _take_in(session, tryton, document, back)
    if gone:
        landed = await _give_out(session, tryton, document, gone)
    assert landed is not None, net
    return landed


async def _give_out(
    session: Session, tryton: Tryton, document: PostGoodsIssue, goods: Mapping[Item, Decimal]
) -> Landed:
    found = await _going_on(tryton, SHIPMENT, document.reference)
    if found is None:
        place = await codes.warehouse(session, tryton, document.location)
        walk_in = await party_by_code(tryton, session.settings["walk_in"])
        moves = await _moves(tryton, goods, place.output, await codes.customer_location(tryton))
        values: Mapping[str, Json] = {
            "customer": walk_in.party, "delivery_address": walk_in.address, **place_values(place),
            "reference": document.reference, "planned_date": day(document.posting_date),
            "effective_date": day(document.posting_date), "moves": [["create", moves]],
        }  # fmt: skip
        found = await _made(tryton, SHIPMENT, values)
    head = (await tryton.read(SHIPMENT, [found.whole("id")], ["warehouse_storage", "warehouse_output"]))[0]
    picks = head.whole("warehouse_storage") != head.whole("warehouse_output")
    steps = _ISSUE_STEPS if picks else _without_picking(_ISSUE_STEPS)
    return await _carried_out(tryton, SHIPMENT, found, steps)


async def _take_in(session: Session, tryton: Tryton, document: PostGoodsIssue, goods: Mapping[Item, Decimal]) -> Landed:
    found = await _going_on(tryton, RETURN, document.reference)
    if found is None:
        place = await codes.warehouse(session, tryton, document.location)
        walk_in = await party_by_code(tryton, session.settings["walk_in"])
        moves = await _moves(tryton, goods, await codes.customer_location(tryton), place.input)
        values: Mapping[str, Json] = {
            "customer": walk_in.party, "contact_address": walk_in.address, "warehouse": place.id,
            "warehouse_storage": place.storage, "warehouse_input": place.input, "reference": document.reference,
            "planned_date": day(document.posting_date), "effective_date": day(document.posting_date),
            "incoming_moves": [["create", moves]],
        }  # fmt: skip
        found = await _made(tryton, RETURN, values)
    return await _carried_out(tryton, RETURN, found, _RETURN_STEPS)


async def _moves(tryton: Tryton, goods: Mapping[Item, Decimal], source: int, target: int) -> list[Mapping[str, Json]]:
    """Tryton wants a price on moves from and to customers; the store's journal carries the money, so it is zero here."""
    company = await codes.the_one(tryton, "company.company", [], "company")
    currency = (await tryton.read("company.company", [company], ["currency"]))[0].whole("currency")
    return [
        {
            "product": item.id, "unit": item.unit, "quantity": quantity(amount), "from_location": source,
            "to_location": target, "unit_price": decimal(Decimal(0)), "currency": currency,
        }
        for item, amount in goods.items()
    ]  # fmt: skip


# --- transfers and counts ------------------------------------------------------------------------------------------


async def post_transfers(session: Session, documents: Sequence[IntentDocument]) -> Sequence[Outcome]:
    """Each becomes one internal shipment that is done."""
    return [await _transfer(session, of_kind(document, PostTransfer)) for document in documents]


async def probe_transfer(session: Session, document: IntentDocument) -> Found:
    """Done or not."""
    found = await _find(Tryton(session), TRANSFER, document.reference)
    return _landed(TRANSFER, found) if found is not None and found.text("state") == "done" else Absent()


async def _transfer(session: Session, document: PostTransfer) -> Outcome:
    tryton = Tryton(session)
    found = await _going_on(tryton, TRANSFER, document.reference)
    if found is None:
        source = await codes.warehouse(session, tryton, document.from_location)
        target = await codes.warehouse(session, tryton, document.to_location)
        net = netted(document.lines)
        items = await codes.items(session, tryton, tuple(net))
        moves = [
            {
                "product": items[sku].id, "unit": items[sku].unit, "quantity": quantity(amount),
                "from_location": source.storage, "to_location": target.storage,
            }
            for sku, amount in net.items()
        ]  # fmt: skip
        on = day(document.posting_date)
        values: Mapping[str, Json] = {
            "from_location": source.storage, "to_location": target.storage, "reference": document.reference,
            "planned_start_date": on, "planned_date": on, "effective_start_date": on, "effective_date": on,
            "moves": [["create", moves]],
        }  # fmt: skip
        found = await _made(tryton, TRANSFER, values)
    record = found.whole("id")
    if found.text("state") == "draft":
        await tryton.press(TRANSFER, "wait", record)
    # Trying first takes whole lots where they lie; what is not there on paper is forced, for it has left in fact.
    for button in ("assign_try", "assign_force"):
        found = await _state(tryton, TRANSFER, record)
        if found.text("state") == "waiting":
            await tryton.press(TRANSFER, button, record)
    return await _carried_out(tryton, TRANSFER, await _state(tryton, TRANSFER, record), _TRANSFER_STEPS)


async def post_counts(session: Session, documents: Sequence[IntentDocument]) -> Sequence[Outcome]:
    """Each becomes one inventory of the place where the location keeps its goods; items that it does not name stay."""
    return [await _count(session, of_kind(document, PostCount)) for document in documents]


async def probe_count(session: Session, document: IntentDocument) -> Found:
    """Done or not."""
    found = await _find_count(Tryton(session), document.reference)
    return _landed(COUNT, found) if found is not None and found.text("state") == "done" else Absent()


async def _count(session: Session, document: PostCount) -> Outcome:
    tryton = Tryton(session)
    found = await _find_count(tryton, document.reference)
    if found is not None and found.text("state") == "draft":
        await tryton.delete(COUNT, found.whole("id"))
        found = None
    if found is None:
        place = await codes.warehouse(session, tryton, document.location)
        items = await codes.items(session, tryton, [line.sku for line in document.lines])
        lines = [{"product": items[line.sku].id, "quantity": quantity(line.quantity)} for line in document.lines]
        values: Mapping[str, Json] = {
            "number": document.reference, "location": place.storage, "date": day(document.counted_on),
            "empty_quantity": "keep", "lines": [["create", lines]],
        }  # fmt: skip
        found = await _made(tryton, COUNT, values)
    return await _carried_out(tryton, COUNT, found, (("draft", "confirm"),))


async def _find_count(tryton: Tryton, reference: str) -> Record | None:
    return await tryton.first(COUNT, [["number", "=", reference], ["state", "!=", "cancelled"]], _FIELDS)


# --- what all of them share ----------------------------------------------------------------------------------------


async def _find(tryton: Tryton, model: str, reference: str) -> Record | None:
    return await tryton.first(model, [["reference", "=", reference], ["state", "!=", "cancelled"]], _FIELDS)


async def _going_on(tryton: Tryton, model: str, reference: str) -> Record | None:
    """What an earlier try has brought beyond draft."""
    found = await _find(tryton, model, reference)
    if found is not None and found.text("state") == "draft":
        await tryton.delete(model, found.whole("id"))
        return None
    return found


async def _made(tryton: Tryton, model: str, values: Mapping[str, Json]) -> Record:
    return await _state(tryton, model, await tryton.create(model, values))


async def _carried_out(tryton: Tryton, model: str, found: Record, steps: Sequence[tuple[str, str]]) -> Landed:
    """Press what the present state leaves to be pressed; some steps take the next one along, so it is read each time."""
    record = found.whole("id")
    for stage, button in steps:
        if found.text("state") == stage:
            await tryton.press(model, button, record, accept=_NO_ORIGIN)
            found = await _state(tryton, model, record)
    if found.text("state") != "done":
        raise CallFailed(Verdict.REFUSED, f"Tryton left {model} {record} in state {found.text('state')}", code="stuck")
    return _landed(model, found)


def _without_picking(steps: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    return [("assigned" if stage == "picked" else stage, button) for stage, button in steps if button != "pick"]


async def _state(tryton: Tryton, model: str, record: int) -> Record:
    return (await tryton.read(model, [record], _FIELDS))[0]


def _landed(model: str, found: Record) -> Landed:
    return Landed(document_id=document_id(model, found.whole("id")), number=found.text_or_empty("number"))
