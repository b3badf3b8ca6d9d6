"""What a till's figures mean. Tills write the same sale in several ways; the way in which it adds up is the right one.

A line's extended amount may or may not have its discount taken off, rewards may or may not be in the lines already, tax
may be in the prices or upon them, a void mark may stand on the struck line or on a second one that strikes it. The
readings are tried in the order of likelihood; the first whose lines meet the total is taken. When none does, the first
reading stands: a receipt is a fact, and the difference is somebody's to look at.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum
from itertools import product
from typing import Final

from msgspec import structs

from crossdock.canonical.base import Tax
from crossdock.canonical.receipts import LineKind, ReceiptLine, ReceiptRef, ReceiptTender

NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """A line of goods as the till wrote it, magnitudes; *reference* is what rewards point at."""

    number: int
    kind: LineKind
    sku: str
    name: str
    quantity: Decimal
    unit: str
    extended: Decimal
    discount: Decimal
    modifiers: Decimal
    taxes: tuple[Tax, ...]
    voided: bool
    original: ReceiptRef | None
    reason: str
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction:
    """A reward or discount on a line of its own; *amount* is what it takes off, on the referenced line or on all."""

    amount: Decimal
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What the receipt says of itself. *taxes* is its summary, used only when its lines say nothing of tax.

    *either_way*: the sign of its total says nothing, because it takes back another receipt.
    """

    total: Decimal | None
    tenders: tuple[ReceiptTender, ...]
    rounding: Decimal
    taxes: tuple[Tax, ...]
    tax_included: bool
    either_way: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The receipt's money in our words."""

    lines: tuple[ReceiptLine, ...]
    total: Decimal
    tax_included: bool


class _Off(Enum):
    """Where a line's discount is."""

    ALREADY = "the extended amount is what was paid"
    EXTENDED = "the extended amount is before the extended discount amount"
    MODIFIERS = "the extended amount is before the price modifiers"


def read_money(goods: Sequence[Goods], reductions: Sequence[Reduction], stated: Stated) -> Reading:
    """The reading that adds up, else the likeliest."""
    total = _stated_total(stated)
    likeliest: Reading | None = None
    for reading in _readings(goods, reductions, stated):
        comes_to = lines_total(reading.lines, tax_included=reading.tax_included) + stated.rounding
        if total is None or comes_to == total or (comes_to == -total and (stated.either_way or not stated.tenders)):
            return replace(reading, total=comes_to)
        likeliest = likeliest or replace(reading, total=total)
    assert likeliest is not None
    return likeliest


def _stated_total(stated: Stated) -> Decimal | None:
    """The total with the sign of the money; tills write what they give back without a minus. None when unsaid."""
    paid = sum((tender.amount for tender in stated.tenders), NOTHING)
    if stated.total is None:
        return paid if stated.tenders else None
    return paid if stated.tenders and paid == -stated.total else stated.total


def lines_total(lines: Sequence[ReceiptLine], *, tax_included: bool) -> Decimal:
    """What the lines come to with tax, signed."""
    return sum((line.sign * (line.amount + (NOTHING if tax_included else line.tax)) for line in lines), NOTHING)


def _readings(goods: Sequence[Goods], reductions: Sequence[Reduction], stated: Stated) -> Iterator[Reading]:
    struck = [list(goods), _strike_twins(goods)]
    ways = product((stated.tax_included, not stated.tax_included), struck, _Off, (list(reductions), []))
    for tax_included, counted, off, taken in ways:
        lines = _reduced([_line(each, off) for each in counted], [each.reference for each in counted], taken)
        if not any(line.taxes for line in lines):
            lines = _taxed(lines, stated.taxes)
        yield Reading(lines=tuple(lines), total=NOTHING, tax_included=tax_included)


def _line(goods: Goods, off: _Off) -> ReceiptLine:
    less = {_Off.ALREADY: NOTHING, _Off.EXTENDED: goods.discount, _Off.MODIFIERS: goods.modifiers}[off]
    return ReceiptLine(
        number=goods.number,
        sku=goods.sku,
        quantity=goods.quantity,
        amount=goods.extended - less,
        kind=goods.kind,
        discount=goods.discount or goods.modifiers,
        taxes=goods.taxes,
        unit=goods.unit,
        voided=goods.voided,
        original=goods.original,
        reason=goods.reason,
        name=goods.name,
    )


def _strike_twins(goods: Sequence[Goods]) -> list[Goods]:
    """Each void mark also strikes the latest equal line before it that still counts."""
    counted = list(goods)
    for place, mark in enumerate(goods):
        if mark.voided:
            twins = [at for at in range(place) if _twins(counted[at], mark)]
            if twins:
                counted[twins[-1]] = replace(counted[twins[-1]], voided=True)
    return counted


def _twins(line: Goods, mark: Goods) -> bool:
    same = (line.sku, line.quantity, line.extended) == (mark.sku, mark.quantity, mark.extended)
    return same and not line.voided


def _reduced(lines: list[ReceiptLine], references: list[str], taken: Sequence[Reduction]) -> list[ReceiptLine]:
    shares = [NOTHING] * len(lines)
    for reduction in taken:
        aimed = [at for at, each in enumerate(references) if reduction.reference and each == reduction.reference]
        if aimed:
            shares[aimed[0]] += reduction.amount
        else:
            weights = [line.amount if line.sign > 0 else NOTHING for line in lines]
            shares = [had + more for had, more in zip(shares, spread(reduction.amount, weights), strict=True)]
    return [
        structs.replace(line, amount=line.amount - share, discount=line.discount + share) if share else line
        for line, share in zip(lines, shares, strict=True)
    ]


def _taxed(lines: list[ReceiptLine], summary: Sequence[Tax]) -> list[ReceiptLine]:
    """Spread a tax that only the summary knows over the lines, by amount, exactly."""
    weights = [line.sign * line.amount for line in lines]
    for tax in summary:
        whole = abs(tax.amount) if sum(weights, NOTHING) >= 0 else -abs(tax.amount)
        lines = [
            structs.replace(line, taxes=(*line.taxes, Tax(code=tax.code, amount=line.sign * share, rate=tax.rate)))
            if line.sign
            else line
            for line, share in zip(lines, spread(whole, weights), strict=True)
        ]
    return lines


def spread(whole: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """*whole* over *weights*, in its own smallest unit, adding up exactly. Without any weight the first takes all."""
    total = sum(weights, NOTHING)
    shares: list[Decimal] = []
    given = run = NOTHING
    for weight in weights:
        run += weight
        upto = (whole * run / total).quantize(whole) if total else whole
        shares.append(upto - given)
        given = upto
    return shares


def undone(reading: Reading, tenders: Sequence[ReceiptTender]) -> tuple[Reading, tuple[ReceiptTender, ...]]:
    """A void's money: goods and tenders in the direction opposite to the receipt that it takes back.

    Tills repeat the original's lines (sale lines, whichever sign their tenders bear) or write them reversed (return
    lines with money going out); return lines with money coming in take back a return.
    """
    paid = sum((tender.amount for tender in tenders), NOTHING)
    if reading.total < 0 and paid <= 0:
        return reading, tuple(tenders)
    lines = tuple(
        structs.replace(line, kind=LineKind.RETURN if line.kind is LineKind.SALE else LineKind.SALE)
        for line in reading.lines
    )
    turned = Reading(lines=lines, total=-reading.total, tax_included=reading.tax_included)
    if paid == reading.total:
        return turned, tuple(ReceiptTender(tender=t.tender, amount=-t.amount, reference=t.reference) for t in tenders)
    return turned, tuple(tenders)
