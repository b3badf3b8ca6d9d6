"""What the demo's stores write is what the connector reads, and nothing makes it stumble."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import cast
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.canonical.base import LocationCode, Tax
from crossdock.canonical.receipts import (
    LineKind,
    ReceiptKind,
    ReceiptLine,
    ReceiptRef,
    ReceiptTender,
    SaleRecorded,
)
from crossdock.connector_kit.model import Damaged, Decoded, Decoder, Received
from crossdock.connector_kit.record import Undecodable
from crossdock.connectors.pos.money import spread
from crossdock.connectors.pos.ndjson import decode_ndjson
from crossdock.connectors.pos.poslog import decode_poslog
from crossdock.foundation.plain import composed
from crossdock.simulation.retailer import model as retail
from crossdock.simulation.retailer.drop import RENDER
from crossdock.simulation.retailer.poslog import transaction_id
from crossdock.simulation.retailer.receipts import tenders_for

from .pos_files import receipt, received

DECODE: dict[retail.Dialect, Decoder] = {
    retail.Dialect.POSLOG_2: decode_poslog,
    retail.Dialect.POSLOG_6: decode_poslog,
    retail.Dialect.NDJSON: decode_ndjson,
}
ZONES = ("America/New_York", "America/Chicago", "Europe/Lisbon", "Asia/Kolkata")

letters = st.characters(categories=("L", "N", "P", "S"))
codes = st.text(letters, min_size=1, max_size=20).map(composed)
names = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), max_size=60).map(str.strip).map(composed)
money = st.integers(0, 100_000).map(lambda cents: Decimal(cents).scaleb(-2))
keys = st.builds(
    retail.ReceiptKey,
    store=codes,
    till=codes,
    business_day=st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    sequence=st.integers(0, 10**9),
)


@st.composite
def goods(draw: st.DrawFn, number: int, *, voided: bool) -> retail.Line:
    amount = draw(money)
    offs = () if voided else draw(st.lists(money.filter(bool), max_size=2))
    code, percent = draw(st.sampled_from([("T0", 0), ("T7", 7)]))
    return retail.Line(
        number=number,
        sku=draw(codes),
        barcode=draw(codes),
        name=draw(names),
        department=draw(names),
        quantity=draw(st.integers(1, 5_000)) * Decimal("0.001"),
        unit_price=draw(money),
        discounts=tuple(retail.Discount(reason="offer", amount=off) for off in offs),
        amount=amount,
        tax_code=code,
        tax_percent=Decimal(percent),
        tax=(amount * percent / (100 + percent)).quantize(Decimal("0.01")),
        voided=voided,
    )


@st.composite
def events(draw: st.DrawFn) -> retail.TillEvent:
    key, zone = draw(keys), draw(st.sampled_from(ZONES))
    moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(ZoneInfo(zone)))  # noqa: DTZ001
    at = draw(moments).replace(fold=0).astimezone(UTC)
    kind = draw(st.sampled_from([None, *retail.ReceiptKind]))
    if kind is None:
        return retail.Control(key=key, at=at, zone=zone, cashier="c", reason="NoSale")
    back = kind in (retail.ReceiptKind.RETURN, retail.ReceiptKind.POST_VOID)
    voided = draw(st.lists(st.booleans().filter(lambda each: not (each and back)), min_size=1, max_size=5))
    lines = tuple(draw(goods(number, voided=each)) for number, each in enumerate(voided, 1))
    total = sum((line.amount for line in lines if not line.voided), Decimal(0))
    tenders = tenders_for(total, draw(money), draw(st.integers(0, 99)))
    if back:
        refund = retail.Tender(kind=retail.TenderKind.CARD, purpose=retail.TenderPurpose.REFUND, amount=total)
        tenders = (refund,) if total else ()
    return retail.Receipt(
        key=key, kind=kind, at=at, zone=zone, cashier="c", lines=lines, tenders=tenders,
        original=draw(keys) if back else None,
    )  # fmt: skip


def ref(key: retail.ReceiptKey) -> ReceiptRef:
    return ReceiptRef(
        store=LocationCode(key.store), till=key.till, business_day=key.business_day, sequence=key.sequence
    )


def expected(event: retail.TillEvent, dialect: retail.Dialect) -> SaleRecorded:
    """The event in the hub's words, said a second time and differently."""
    common = SaleRecorded(
        store=LocationCode(event.key.store),
        till=event.key.till,
        business_day=event.key.business_day,
        sequence=event.key.sequence,
        ended_at=event.at,
        currency="USD",
        total=Decimal(0),
        kind=ReceiptKind.CONTROL,
        operator="c",
        transaction_id=transaction_id(event.key) if dialect is retail.Dialect.POSLOG_6 else "",
    )
    if isinstance(event, retail.Control):
        return common
    if event.kind not in retail.POSTING:
        training = event.kind is retail.ReceiptKind.TRAINING
        return replaced(common, kind=ReceiptKind.TRAINING if training else ReceiptKind.CANCELLED)
    void = event.kind is retail.ReceiptKind.POST_VOID
    sign = 1 if event.kind is retail.ReceiptKind.SALE else -1
    return replaced(
        common,
        kind=ReceiptKind.VOID if void else ReceiptKind.SALE,
        total=sign * event.total,
        lines=tuple(
            ReceiptLine(
                number=line.number,
                sku=line.sku,
                quantity=line.quantity,
                amount=line.amount,
                kind=LineKind.SALE if sign > 0 else LineKind.RETURN,
                discount=sum((off.amount for off in line.discounts), Decimal(0)),
                taxes=(Tax(code=line.tax_code, amount=line.tax, rate=line.tax_percent),),
                voided=line.voided,
                original=ref(event.original) if event.original and not void else None,
                name=line.name,
            )
            for line in event.lines
        ),
        tenders=tuple(ReceiptTender(tender=each.kind.value, amount=each.incoming) for each in event.tenders),
        voids=ref(event.original) if event.original and void else None,
    )


def replaced(document: SaleRecorded, **changes: object) -> SaleRecorded:
    values = {name: getattr(document, name) for name in document.__struct_fields__}
    return SaleRecorded(**cast("dict[str, object]", values) | changes)  # type: ignore[arg-type]


def message(body: bytes, written: list[retail.TillEvent]) -> Received:
    plain = received(body)
    return Received(
        connection=plain.connection, feed="f", body=body, headers={}, received_at=plain.received_at,
        settings=plain.settings, zones={event.key.store: ZoneInfo(event.zone) for event in written},
    )  # fmt: skip


@pytest.mark.parametrize("dialect", list(retail.Dialect))
@given(written=st.lists(events(), max_size=5, unique_by=lambda event: event.key.store))
def test_what_a_store_writes_is_what_the_hub_reads(dialect: retail.Dialect, written: list[retail.TillEvent]) -> None:
    found = list(DECODE[dialect](message(RENDER[dialect](written), written)))

    assert [receipt(each) for each in found] == [expected(event, dialect) for event in written]
    for each in map(receipt, found):
        assert each.lines_total == each.total == sum(tender.amount for tender in each.tenders)


@given(body=st.binary(max_size=400))
def test_arbitrary_bytes_end_in_a_refusal_or_in_records(body: bytes) -> None:
    for decode in (decode_poslog, decode_ndjson):
        only_refuses(decode, received(body))


@pytest.mark.parametrize("dialect", list(retail.Dialect))
@settings(max_examples=150)
@given(written=st.lists(events(), min_size=1, max_size=2), noise=st.data())
def test_a_file_spoilt_anywhere_ends_in_a_refusal_or_in_records(
    dialect: retail.Dialect, written: list[retail.TillEvent], noise: st.DataObject
) -> None:
    body = RENDER[dialect](written)
    start = noise.draw(st.integers(0, len(body)))
    end = noise.draw(st.integers(start, min(len(body), start + 40)))
    put = noise.draw(st.one_of(st.binary(max_size=12), st.sampled_from([b"", b"-", b"9" * 30, b"1e999", b"</Sale>"])))

    only_refuses(DECODE[dialect], message(body[:start] + put + body[end:], written))


def only_refuses(decode: Decoder, spoilt: Received) -> None:
    try:
        found = list(decode(spoilt))
    except Undecodable:
        return
    for each in found:
        assert isinstance(each, Decoded | Damaged)
        if isinstance(each, Decoded):
            assert receipt(each).ended_at.tzinfo is not None
            assert each.key.startswith("receipt/")


@given(whole=st.integers(-(10**6), 10**6), weights=st.lists(st.integers(0, 10**6), min_size=1, max_size=8))
def test_what_is_spread_adds_up_exactly(whole: int, weights: list[int]) -> None:
    cents, shares = Decimal(whole).scaleb(-2), [Decimal(weight).scaleb(-2) for weight in weights]

    spreaded = spread(cents, shares)

    assert sum(spreaded, Decimal(0)) == cents
    if any(weights):
        assert all(not part for part, weight in zip(spreaded, weights, strict=True) if not weight)
