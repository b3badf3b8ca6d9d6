"""The ERP commits and the answer is lost, the session dies, the ERP is away: there is one document in the end."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit

import aiohttp
import pytest

from connectors.tryton.faults import Dropper, dropping
from connectors.tryton.intents import count, goods, invoice, issue, journal, landed, sale, send, shipment, transfer
from crossdock.canonical.intents import IntentDocument, PostSale
from crossdock.connector_kit.http import Http
from crossdock.connector_kit.model import Absent, Landed
from crossdock.connector_kit.session import Session
from crossdock.connector_kit.verdict import CallFailed, Verdict
from crossdock.connectors.tryton.rpc import Tryton
from crossdock.connectors.tryton.sales import find_sale
from crossdock.simulation.erp import Erp

pytestmark = [pytest.mark.erp, pytest.mark.asyncio(loop_scope="session")]


async def shipped_sale(session: Session) -> PostSale:
    order = sale()
    await landed(session, order)
    return order


CASES: list[tuple[str, str, Callable[[PostSale], IntentDocument]]] = [
    ("sale.sale", "create", lambda _: sale()),
    ("sale.sale", "quote", lambda _: sale()),
    ("sale.sale", "confirm", lambda _: sale()),
    ("stock.shipment.out", "create", lambda order: shipment(order, "DC1", goods(SKU_001=1))),
    ("stock.shipment.out", "assign_try", lambda order: shipment(order, "DC1", goods(SKU_001=1))),
    ("stock.shipment.out", "do", lambda order: shipment(order, "S01", goods(SKU_001=1))),
    ("account.invoice", "post", invoice),
    ("account.move", "create", lambda _: journal()),
    ("account.move", "post", lambda _: journal()),
    ("stock.shipment.out", "create", lambda _: issue("S01", goods(SKU_020=2))),
    ("stock.shipment.out", "assign_force", lambda _: issue("S01", goods(SKU_020=2))),
    ("stock.shipment.out.return", "receive", lambda _: issue("S01", goods(SKU_020=2, SKU_021=-1))),
    ("stock.shipment.internal", "ship", lambda _: transfer("DC1", "S01", goods(SKU_022=1))),
    ("stock.inventory", "confirm", lambda _: count("S01", goods(SKU_023=50))),
]
FIELD = {"sale.sale": "web_id", "account.move": "description", "stock.inventory": "number"}


async def lost(session: Session, erp: Erp, method: str, document: IntentDocument) -> tuple[CallFailed, Dropper]:
    async with (
        dropping(lambda: urlsplit(erp.base_url).port or 0) as dropper,
        aiohttp.ClientSession() as client,
    ):
        dropper.drop(method)
        broken = replace(session, http=Http(client, dropper.url))
        with pytest.raises(CallFailed) as failure:
            await send(document).run(broken, [document])
        return failure.value, dropper


@pytest.mark.parametrize(("model", "button", "make"), CASES, ids=[f"{model}.{button}" for model, button, _ in CASES])
async def test_a_lost_answer_ends_with_one_document(
    erp: Erp, session: Session, model: str, button: str, make: Callable[[PostSale], IntentDocument]
) -> None:
    document = make(await shipped_sale(session))

    failure, dropper = await lost(session, erp, f"model.{model}.{button}", document)

    assert dropper.dropped
    assert failure.verdict is Verdict.UNKNOWN
    probe = send(document).probe
    assert probe is not None
    found = await probe(session, document)
    final = found if isinstance(found, Landed) else await landed(session, document)
    assert await landed(session, document) == replace(final)
    if model != "account.invoice":
        field = FIELD.get(model, "reference")
        domain = [[field, "=", document.reference], ["state", "!=", "cancelled"]]
        made = await asyncio.to_thread(lambda: erp.desk().read_all(model, domain, ["state"]))
        assert len(made) == 1


async def test_a_probe_finds_nothing_where_nothing_was_sent(session: Session) -> None:
    order = sale()
    for document in (
        order, invoice(order), shipment(order, "DC1", goods(SKU_001=1)), journal(), issue("S01", goods(SKU_001=1)),
        transfer("DC1", "S01", goods(SKU_001=1)), count("S01", goods(SKU_001=1)),
    ):  # fmt: skip
        probe = send(document).probe
        assert probe is not None
        assert await probe(session, document) == Absent()


async def test_a_dead_session_is_renewed_without_anybody_noticing(session: Session) -> None:
    order = sale()
    session.memory["tryton.authorization"] = "Session YWRtaW46MTpub3Ro"

    await landed(session, order)


@pytest.mark.parametrize(
    "memory", [{}, {"tryton.authorization": "Session bm9ib2R5OjE6Z29uZQ=="}], ids=["first", "ended"]
)
async def test_calls_that_begin_together_log_in_once(erp: Erp, session: Session, memory: dict[str, str]) -> None:
    async with (
        dropping(lambda: urlsplit(erp.base_url).port or 0) as proxy,
        aiohttp.ClientSession() as client,
    ):
        watched = replace(session, http=Http(client, proxy.url), memory=dict(memory), entrance=asyncio.Lock())
        found = await asyncio.gather(*(Tryton(watched).rows("stock.location", [], ["code"], limit=1) for _ in range(8)))

    assert [len(rows) for rows in found] == [1] * 8
    assert sum(b'"common.db.login"' in body for body in proxy.seen) == 1


async def test_what_somebody_else_has_changed_meanwhile_is_not_written_over(erp: Erp, session: Session) -> None:
    order = sale()
    await landed(session, order)
    tryton = Tryton(session)
    read = await find_sale(tryton, order.reference)
    assert read is not None

    def edit() -> None:
        erp.desk().call("model.sale.sale.write", [read.whole("id")], {"comment": "called the customer"})

    await asyncio.to_thread(edit)
    with pytest.raises(CallFailed) as failure:
        await tryton.write("sale.sale", read.whole("id"), {"comment": "ours"}, unless_changed_since=read)

    assert (failure.value.verdict, failure.value.code) == (Verdict.NOT_SENT, "ConcurrencyException")


async def test_a_wrong_password_stops_the_connection(newcomer: Session) -> None:
    wrong = replace(newcomer, settings={**newcomer.settings, "password": "guessed"})

    with pytest.raises(CallFailed) as failure:
        await send(sale()).run(wrong, [sale()])

    assert failure.value.verdict is Verdict.BROKEN


async def test_a_wrong_database_stops_the_connection(newcomer: Session) -> None:
    wrong = replace(newcomer, settings={**newcomer.settings, "database": "nowhere"})

    with pytest.raises(CallFailed) as failure:
        await send(sale()).run(wrong, [sale()])

    assert failure.value.verdict is Verdict.BROKEN


async def test_an_erp_that_is_away_has_not_been_sent_anything(erp: Erp, session: Session) -> None:
    order = sale()
    await erp.stop()

    with pytest.raises(CallFailed) as failure:
        await send(order).run(session, [order])
    await erp.start()

    assert failure.value.verdict is Verdict.NOT_SENT
    await landed(session, order)
