"""The tills' day: real baskets as numbered receipts, with what the source lacks derived by stated rules.

Drafts first (who, when, what), then numbers: a till counts its events in the order of time, without a gap, and only a
numbered original can be referred to by its return or its post-void.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from crossdock.simulation.retailer.catalogue import CENT, cents, list_price, tax_within, till_of
from crossdock.simulation.retailer.draw import draw, one_in
from crossdock.simulation.retailer.model import (
    Control,
    DayRules,
    Discount,
    Line,
    Product,
    Receipt,
    ReceiptKey,
    ReceiptKind,
    Store,
    Tender,
    TenderKind,
    TenderPurpose,
    TillEvent,
)
from crossdock.simulation.retailer.source import DAY_STARTS_UTC, Extract, SourceBasket, SourceLine

RETURN_ODDS: Final = 40
VOIDED_LINE_ODDS: Final = 25
NO_SALE_ODDS: Final = 90
CASH_PERCENT, SPLIT_PERCENT = 35, 5
NOTE: Final = Decimal(5)
RETURN_AFTER: Final = timedelta(hours=2)
POST_VOID_AFTER: Final = timedelta(minutes=6)
FIRST_NUMBER_MAX: Final = 9_000


class _Draft(Struct, frozen=True, kw_only=True):
    """An event of a till that has no number yet. *tag* names it for those that refer to it."""

    tag: str
    store: Store
    till: str
    at: datetime
    kind: ReceiptKind | None
    reason: str = ""
    lines: tuple[Line, ...] = ()
    tenders: tuple[Tender, ...] = ()
    original: str = ""


def day_bounds(rules: DayRules) -> tuple[datetime, datetime]:
    """The business day in UTC. Tills sign on at its start and off at its end."""
    opens = datetime.combine(rules.business_day, DAY_STARTS_UTC, UTC)
    return opens, opens + timedelta(days=1)


def till_events(
    rules: DayRules, extract: Extract, stores: Sequence[Store], items: Mapping[str, Product]
) -> tuple[TillEvent, ...]:
    """All events of all tills in the order of time."""
    opens, closes = day_bounds(rules)
    by_code = {store.code: store for store in stores}
    sales = [_sale(rules, basket, by_code[str(basket.store)], items, opens) for basket in extract.tills]
    returns = [draft for sale in sales if (draft := _return(rules, sale, closes))]
    extras = [
        *_post_void(rules, sales, {draft.original for draft in returns}),
        *_not_posting(sales),
        *_controls(rules, sales, stores, opens, closes),
    ]
    return _number(rules, [*sales, *returns, *extras])


def _sale(rules: DayRules, basket: SourceBasket, store: Store, items: Mapping[str, Product], opens: datetime) -> _Draft:
    lines = [_line(number, line, items[str(line.product)]) for number, line in enumerate(basket.lines, 1)]
    if one_in(VOIDED_LINE_ODDS, rules.seed, "voided line", basket.basket):
        # Scanned twice and taken back: the second scan stays on the receipt, marked, and counts for nothing.
        lines.insert(1, replace(lines[0], voided=True))
        lines = [replace(line, number=number) for number, line in enumerate(lines, 1)]
    total = sum((line.amount for line in lines if not line.voided), Decimal(0))
    coupons = cents(sum(line.coupon for line in basket.lines))
    return _Draft(
        tag=str(basket.basket),
        store=store,
        till=till_of(store, rules.seed, basket.basket),
        at=opens + timedelta(seconds=basket.second),
        kind=ReceiptKind.SALE,
        lines=tuple(lines),
        tenders=tenders_for(total, coupons, draw(rules.seed, "tender", basket.basket) % 100),
    )


def _line(number: int, line: SourceLine, product: Product) -> Line:
    amount = cents(line.sales)
    discounts = (("loyalty card", line.retail), ("coupon match", line.match))
    return Line(
        number=number,
        sku=product.sku,
        barcode=product.barcode,
        name=product.name,
        department=product.department,
        quantity=Decimal(line.quantity),
        unit_price=list_price(line),
        discounts=tuple(Discount(reason=why, amount=cents(off)) for why, off in discounts if off),
        amount=amount,
        tax_code=product.tax_code,
        tax_percent=product.tax_percent,
        tax=tax_within(amount, product.tax_percent),
    )


def tenders_for(total: Decimal, coupons: Decimal, lot: int) -> tuple[Tender, ...]:
    """Manufacturers' coupons pay first as vouchers, up to the total; *lot* (0-99) says how the rest is paid.

    Cash is given in notes of five and change comes back; nothing is rounded. Tenders add up to *total* exactly.
    """
    voucher = min(coupons, total)
    rest = total - voucher
    if lot < CASH_PERCENT:
        cash = rest
    elif lot < CASH_PERCENT + SPLIT_PERCENT:
        cash = (rest / 2).quantize(CENT)
    else:
        cash = Decimal(0)
    given = ((cash / NOTE).to_integral_value(ROUND_CEILING) * NOTE).quantize(CENT)
    paid = (
        (TenderKind.VOUCHER, TenderPurpose.SALE, voucher),
        (TenderKind.CARD, TenderPurpose.SALE, rest - cash),
        (TenderKind.CASH, TenderPurpose.SALE, given),
        (TenderKind.CASH, TenderPurpose.CHANGE, given - cash),
    )
    return tuple(Tender(kind=kind, purpose=purpose, amount=amount) for kind, purpose, amount in paid if amount)


def _return(rules: DayRules, sale: _Draft, closes: datetime) -> _Draft | None:
    """One single unit of a basket comes back two hours later, to the store's first till, for the money paid."""
    if not one_in(RETURN_ODDS, rules.seed, "return", sale.tag):
        return None
    single = next((line for line in sale.lines if line.quantity == 1 and not line.voided), None)
    at = sale.at + RETURN_AFTER
    if single is None or at >= closes:
        return None
    carded = any(tender.kind is TenderKind.CARD for tender in sale.tenders)
    kind = TenderKind.CARD if carded else TenderKind.CASH
    return _Draft(
        tag=f"{sale.tag} returned",
        store=sale.store,
        till=sale.store.tills[0],
        at=at,
        kind=ReceiptKind.RETURN,
        lines=(replace(single, number=1),),
        tenders=(Tender(kind=kind, purpose=TenderPurpose.REFUND, amount=single.amount),),
        original=sale.tag,
    )


def _post_void(rules: DayRules, sales: Sequence[_Draft], returned: set[str]) -> list[_Draft]:
    """One sale of the day, drawn, is undone as a whole at its own till six minutes later."""
    candidates = [sale for sale in sales[: len(sales) * 3 // 4] if sale.tag not in returned]
    if not candidates:
        return []
    sale = min(candidates, key=lambda each: draw(rules.seed, "post-void", each.tag))
    undone = tuple(
        Tender(kind=kind, purpose=TenderPurpose.REFUND, amount=amount) for kind, amount in _net_by_kind(sale.tenders)
    )
    lines = tuple(line for line in sale.lines if not line.voided)
    return [
        replace(
            sale,
            tag=f"{sale.tag} undone",
            at=sale.at + POST_VOID_AFTER,
            kind=ReceiptKind.POST_VOID,
            lines=tuple(replace(line, number=number) for number, line in enumerate(lines, 1)),
            tenders=undone,
            original=sale.tag,
        )
    ]


def _net_by_kind(tenders: Sequence[Tender]) -> list[tuple[TenderKind, Decimal]]:
    net: dict[TenderKind, Decimal] = {}
    for tender in tenders:
        net[tender.kind] = net.get(tender.kind, Decimal(0)) + tender.incoming
    return [(kind, amount) for kind, amount in net.items() if amount]


def _not_posting(sales: Sequence[_Draft]) -> list[_Draft]:
    """A training receipt before the first sale, a basket left at the till, one parked: numbers, never money."""
    if not sales:
        return []
    first, middle, last = sales[0], sales[len(sales) // 2], sales[-1]
    minute = timedelta(minutes=1)
    return [
        replace(first, tag="training", at=first.at - minute, kind=ReceiptKind.TRAINING),
        replace(middle, tag="cancelled", at=middle.at - minute, kind=ReceiptKind.CANCELLED, tenders=()),
        replace(last, tag="suspended", at=last.at - minute, kind=ReceiptKind.SUSPENDED, tenders=()),
    ]


def _controls(
    rules: DayRules, sales: Sequence[_Draft], stores: Sequence[Store], opens: datetime, closes: datetime
) -> list[_Draft]:
    signs = [
        _Draft(tag=f"{reason} {store.code} {till}", store=store, till=till, at=at, kind=None, reason=reason)
        for store in stores
        for till in store.tills
        for reason, at in (("SignOn", opens), ("SignOff", closes - timedelta(seconds=1)))
    ]
    drawers = [
        _Draft(
            tag=f"{sale.tag} drawer", store=sale.store, till=sale.till, at=sale.at + timedelta(seconds=40),
            kind=None, reason="NoSale",
        )
        for sale in sales
        if one_in(NO_SALE_ODDS, rules.seed, "no sale", sale.tag)
    ]  # fmt: skip
    return signs + [drawer for drawer in drawers if drawer.at < closes - timedelta(seconds=1)]


def _number(rules: DayRules, drafts: Sequence[_Draft]) -> tuple[TillEvent, ...]:
    ordered = sorted(drafts, key=lambda draft: (draft.at, draft.store.code, draft.till, draft.tag))
    last: Counter[tuple[str, str]] = Counter()
    keys: dict[str, ReceiptKey] = {}
    for draft in ordered:
        counter = (draft.store.code, draft.till)
        if counter not in last:
            last[counter] = draw(rules.seed, "first number", *counter) % FIRST_NUMBER_MAX
        last[counter] += 1
        keys[draft.tag] = ReceiptKey(
            store=draft.store.code, till=draft.till, business_day=rules.business_day, sequence=last[counter]
        )
    return tuple(_event(rules, draft, keys) for draft in ordered)


def _event(rules: DayRules, draft: _Draft, keys: Mapping[str, ReceiptKey]) -> TillEvent:
    cashier = f"{draft.store.code}-{draw(rules.seed, 'cashier', draft.store.code, draft.till) % 90 + 10}"
    key, zone = keys[draft.tag], draft.store.zone
    if draft.kind is None:
        return Control(key=key, at=draft.at, zone=zone, cashier=cashier, reason=draft.reason)
    return Receipt(
        key=key,
        kind=draft.kind,
        at=draft.at,
        zone=zone,
        cashier=cashier,
        lines=draft.lines,
        tenders=draft.tenders,
        original=keys[draft.original] if draft.original else None,
    )
