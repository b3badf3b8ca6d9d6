"""Orders as Tryton sales.

A sale's key is `(web_shop, web_id)`, which Tryton keeps unique; `web_id` is the intent's reference. Tried on 8.0:
create (draft; its total can be read at once) → write a rounding line where Tryton's total differs by cents → quote →
confirm. Confirming processes the sale in the same request, after its commit: a failure there is only logged, the sale
stays `confirmed`, and pressing `process` tells why. With shipments and invoice by hand, processing makes neither: shipments
from several warehouses can belong to one sale, and the one invoice is made when it is known what was kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from crossdock.canonical.intents import IntentDocument, PostSale, SaleLine
from crossdock.connector_kit.model import Absent, Found, Landed, Outcome, Refused
from crossdock.connector_kit.record import Record
from crossdock.connector_kit.session import Session
from crossdock.connector_kit.verdict import CallFailed, Verdict
from crossdock.connectors.tryton import codes
from crossdock.connectors.tryton.codes import Item, document_id, of_kind
from crossdock.connectors.tryton.customers import customer_of
from crossdock.connectors.tryton.rpc import Tryton
from crossdock.connectors.tryton.wire import Json, day, decimal, money_of, quantity

SALE: Final = "sale.sale"
_PRICE_STEP: Final = Decimal("0.0001")
"""Tryton refuses unit prices with more than four decimals unless it was configured otherwise."""
_FIELDS: Final = ("state", "number", "total_amount", "invoice_method", "_timestamp")
_SETTLED: Final = frozenset({"processing", "done"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the lines of one sale refer to."""

    items: Mapping[str, Item]
    services: Mapping[str, Item]
    taxes: Mapping[str, int]


async def post_sales(session: Session, documents: Sequence[IntentDocument]) -> Sequence[Outcome]:
    """Each becomes one sale that is being processed."""
    return [await _post_sale(session, of_kind(document, PostSale)) for document in documents]


async def probe_sale(session: Session, document: IntentDocument) -> Found:
    """A sale that is only half made counts as absent: `post_sales` goes on from there."""
    found = await find_sale(Tryton(session), document.reference)
    return _landed(found) if found is not None and found.text("state") in _SETTLED else Absent()


async def find_sale(tryton: Tryton, reference: str) -> Record | None:
    """The sale of an order, in any state."""
    return await tryton.first(SALE, [["web_id", "=", reference], ["web_shop", "!=", None]], _FIELDS)


async def unhandled_moves(tryton: Tryton, sale: int) -> list[int]:
    """Cancelled moves of the sale for which nobody has said yet whether they are to be made again."""
    domain: Sequence[Json] = [["origin.sale", "=", sale, "sale.line"], ["state", "=", "cancelled"]]
    moves = {row.whole("id") for row in await tryton.rows("stock.move", domain, ["id"])}
    fields = ["moves_ignored", "moves_recreated"]
    for line in await tryton.rows("sale.line", [["sale", "=", sale]], fields):
        moves -= {number for field in fields for number in line.wholes(field)}
    return sorted(moves)


async def _post_sale(session: Session, sale: PostSale) -> Outcome:
    tryton = Tryton(session)
    found = await find_sale(tryton, sale.reference)
    if found is not None and found.text("state") == "draft":
        await tryton.delete(SALE, found.whole("id"))  # left by a try that was interrupted: it may hold an older payload
        found = None
    if found is None:
        made = await _make(session, tryton, sale)
        if isinstance(made, Refused):
            return made
        found = made
    return await _settle(tryton, found)


async def _make(session: Session, tryton: Tryton, sale: PostSale) -> Record | Refused:
    """A draft with the channel's own total."""
    values = await _values(session, tryton, sale)
    try:
        record = await tryton.create(SALE, values)
    except CallFailed as failure:
        taken = await find_sale(tryton, sale.reference) if failure.verdict is Verdict.REFUSED else None
        if taken is None:
            raise
        if taken.text("state") == "draft":
            raise CallFailed(Verdict.NOT_SENT, "an earlier try of this sale came in just now: look again") from failure
        return taken
    draft = await _state(tryton, record)
    difference = sale.total - money_of(draft, "total_amount")
    if abs(difference) > Decimal(session.settings["rounding_max"]):
        await tryton.delete(SALE, record)
        return Refused(
            reason=f"the channel's total is {sale.total}, Tryton's is {money_of(draft, 'total_amount')}: check prices, "
            "discounts and the lookup `tax`, or raise the setting `rounding_max`",
            path="$.total",
            code="total_differs",
        )
    if difference:
        rounding = await codes.services(tryton, [session.settings["rounding_item"]])
        item = rounding[session.settings["rounding_item"]]
        line = _line(item, Decimal(1), difference, "Rounding", ())
        await tryton.write(SALE, record, {"lines": [["create", [line]]]})
    return draft


async def _settle(tryton: Tryton, found: Record) -> Outcome:
    """From any state on to `processing`. A transition is never repeated: the state says what is still to do."""
    record, state = found.whole("id"), found.text("state")
    if state == "cancelled":
        return Refused(reason="the sale was cancelled in Tryton", code="cancelled_there")
    if state == "draft":
        await tryton.press(SALE, "quote", record)
    if state in {"draft", "quotation"}:
        await tryton.press(SALE, "confirm", record)
    now = await _state(tryton, record)
    if now.text("state") == "confirmed":
        await tryton.press(SALE, "process", record)
        now = await _state(tryton, record)
    return _landed(now)


async def _values(session: Session, tryton: Tryton, sale: PostSale) -> Mapping[str, Json]:
    customer = await customer_of(session, tryton, sale)
    known = await _known(session, tryton, sale.lines)
    shop = await codes.the_one(
        tryton, "web.shop", [["name", "=", session.lookup("web_shop", sale.channel)]], f"web shop for {sale.channel}"
    )
    currency = await codes.the_one(tryton, "currency.currency", [["code", "=", sale.currency]], sale.currency)
    stand = session.settings["warehouse"]
    domain: Sequence[Json] = [["type", "=", "warehouse"], *([["code", "=", stand]] if stand else [])]
    return {
        "party": customer.party, "invoice_address": customer.address, "shipment_address": customer.address,
        "currency": currency, "web_shop": shop, "web_id": sale.reference, "reference": sale.number,
        "sale_date": day(sale.placed_at.date()), "shipment_method": "manual", "invoice_method": "manual",
        "warehouse": await codes.the_one(tryton, "stock.location", domain, f"warehouse {stand}"),
        "lines": [["create", [_sale_line(line, known, include=sale.prices_include_tax) for line in sale.lines]]],
    }  # fmt: skip


async def _known(session: Session, tryton: Tryton, lines: Sequence[SaleLine]) -> _Known:
    charges = {line.charge: session.lookup("charge", line.charge) for line in lines if not line.sku}
    services = await codes.services(tryton, tuple(charges.values()))
    return _Known(
        items=await codes.items(session, tryton, [line.sku for line in lines if line.sku]),
        services={charge: services[code] for charge, code in charges.items()},
        taxes=await codes.taxes(session, tryton, [tax.code for line in lines for tax in line.taxes]),
    )


def _sale_line(line: SaleLine, known: _Known, *, include: bool) -> Mapping[str, Json]:
    item = known.items[line.sku] if line.sku else known.services[line.charge]
    price = net_unit_price(line, include=include)
    return _line(
        item, line.quantity, price, line.name or line.sku or line.charge, [known.taxes[tax.code] for tax in line.taxes]
    )


def net_unit_price(line: SaleLine, *, include: bool) -> Decimal:
    """Tryton's prices are without tax and without line discounts; what four decimals lose goes to the rounding line."""
    gross = line.quantity * line.unit_price - line.discount
    tax = sum((tax.amount for tax in line.taxes), Decimal(0)) if include else Decimal(0)
    return ((gross - tax) / line.quantity).quantize(_PRICE_STEP)


def _line(item: Item, amount: Decimal, price: Decimal, text: str, taxes: Sequence[int]) -> Mapping[str, Json]:
    return {
        "type": "line", "product": item.id, "unit": item.unit, "quantity": quantity(amount), "description": text,
        "unit_price": decimal(price), "taxes": [["add", list(taxes)]] if taxes else [],
    }  # fmt: skip


async def _state(tryton: Tryton, record: int) -> Record:
    return (await tryton.read(SALE, [record], _FIELDS))[0]


def _landed(sale: Record) -> Landed:
    return Landed(document_id=document_id(SALE, sale.whole("id")), number=sale.text_or_empty("number"))
