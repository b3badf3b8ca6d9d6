"""What targets say of a document they were sent is kept without the person it is about."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal

import aiohttp
import pytest

from crossdock.canonical.intents import IntentDocument, PostSale, SaleLine
from crossdock.canonical.orders import Address, Person
from crossdock.connector_kit.http import Http
from crossdock.connector_kit.model import Found, Outcome, Refused, Send
from crossdock.connector_kit.session import Session
from crossdock.connector_kit.verdict import CallFailed, Verdict
from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.outbound.pump.calls import carry_out, look
from inbound.shopfloor import SHOP, NoIdentities

SALE = PostSale(
    reference="019a",
    order_id="019a",
    channel="web",
    channel_order_id="1042",
    number="#1042",
    placed_at=datetime(2026, 11, 21, 12, tzinfo=UTC),
    currency="EUR",
    prices_include_tax=True,
    lines=(SaleLine(line_id="1", quantity=Decimal(1), unit_price=Decimal("4.50"), sku="TEA"),),
    total=Decimal("4.50"),
    customer=Person(name="Zyxella Quibberton", email="zyxella@quibberton.example", phone="+49 731 1234567"),
    ship_to=Address(name="Zyxella Quibberton", lines=("Wunderlichgasse 17",), city="Ulmenhausen"),
)
Run = Callable[[Session, Sequence[IntentDocument]], Awaitable[Sequence[Outcome]]]
WORDS = 'party "Quibberton, Zyxella" (ZYXELLA@quibberton.example, +49 731 1234567) of Wunderlichgasse 17 exists for TEA'
KEPT = 'party "…, …" (…, …) of … exists for TEA'


async def refuse(_session: Session, documents: Sequence[IntentDocument]) -> Sequence[Outcome]:
    return [Refused(reason=WORDS) for _ in documents]


async def fail(_session: Session, _documents: Sequence[IntentDocument]) -> Sequence[Outcome]:
    raise CallFailed(Verdict.REFUSED, WORDS)


async def break_down(_session: Session, _documents: Sequence[IntentDocument]) -> Sequence[Outcome]:
    raise RuntimeError(WORDS)


async def look_badly(_session: Session, _document: IntentDocument) -> Found:
    raise RuntimeError(WORDS)


def session(client: aiohttp.ClientSession) -> Session:
    return Session(
        connection=SHOP,
        settings={},
        lookups={},
        identities=NoIdentities(),
        http=Http(client, "http://127.0.0.1:1"),
        clock=SYSTEM_CLOCK,
    )


@pytest.mark.parametrize("run", [refuse, fail, break_down])
async def test_a_refusal_is_kept_without_the_person_it_quotes(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    send = Send(kind="sale.post", run=run, probe=look_badly)
    async with aiohttp.ClientSession() as client:
        (ended,) = await carry_out(session(client), send, [SALE])
        looked = await look(session(client), send, SALE)

    assert KEPT in ended.reason
    assert KEPT in looked.reason
    logged = capsys.readouterr()
    assert "uibberton" not in logged.out + logged.err
    assert "Wunderlich" not in logged.out + logged.err
