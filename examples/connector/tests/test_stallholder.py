"""What the example connector promises, against a small stall that loses answers on request."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from stallholder_connector import CONNECTOR, OVERLAP, check, decode_orders, fetch_orders, find_parcel, report

from crossdock.canonical.base import ConnectionName, LocationCode, Sku
from crossdock.canonical.intents import GoodsLine, ReportFulfilment
from crossdock.canonical.orders import OrderPlaced, PaymentStatus
from crossdock.connector_kit.http import Http
from crossdock.connector_kit.model import Absent, Damaged, Decoded, Landed, Received, Refused
from crossdock.connector_kit.record import Undecodable
from crossdock.connector_kit.session import Session
from crossdock.connector_kit.verdict import CallFailed, Verdict
from crossdock.foundation.clock import VirtualClock

RECORDED = (Path(__file__).parent / "recorded" / "orders.json").read_bytes()
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
STALL = ConnectionName("stall")
PARCEL = ReportFulfilment(
    reference="f-1/a1", order_id="o-1", channel_order_id="90071992547409931", location=LocationCode("DC1"),
    lines=(GoodsLine(sku=Sku("LAMP-01"), quantity=Decimal(3), line_id="1"),), shipped_at=NOW, carrier="dhl",
    tracking=("00340434161094042557",),
)  # fmt: skip


# --- a stall, over real HTTP ----------------------------------------------------------------------------------------


@dataclass
class Stall:
    """Keeps parcels; may lose an answer after it has done the work, or refuse."""

    parcels: dict[str, str] = field(default_factory=dict)
    asked_since: list[str] = field(default_factory=list)
    loses_answers: bool = False
    refuses: bool = False

    async def orders(self, request: web.Request) -> web.Response:
        self.asked_since.append(request.query["changed_since"])
        return web.Response(body=RECORDED, content_type="application/json")

    async def account(self, request: web.Request) -> web.Response:
        if request.headers["Authorization"] != "Bearer right":
            return web.json_response({"error": "who are you?"}, status=401)
        return web.json_response({"stall": "Harbour Outfitters"})

    async def add_parcel(self, request: web.Request) -> web.Response:
        told = await request.json()
        if self.refuses:
            return web.json_response({"error": "the order is closed"}, status=422)
        self.parcels.setdefault(told["reference"], f"P{len(self.parcels) + 1}")
        if self.loses_answers and request.transport is not None:
            request.transport.close()
        return web.json_response({"id": self.parcels[told["reference"]]}, status=201)

    async def find_parcel(self, request: web.Request) -> web.Response:
        found = self.parcels.get(request.query["reference"])
        return web.json_response({"parcels": [] if found is None else [{"id": found}]})


class Nobody:
    """Nothing is matched: this connector asks for no identities."""

    async def theirs(self, _kind: str, _ours: Sequence[str]) -> Mapping[str, str]:
        return {}

    async def ours(self, _kind: str, _theirs: Sequence[str]) -> Mapping[str, str]:
        return {}

    async def document(self, _kind: str, _reference: str) -> str | None:
        return None


@dataclass
class World:
    stall: Stall
    session: Session


@pytest.fixture
async def world() -> AsyncIterator[World]:
    stall = Stall()
    app = web.Application()
    app.add_routes(
        [
            web.get("/orders", stall.orders),
            web.get("/account", stall.account),
            web.post("/orders/{id}/parcels", stall.add_parcel),
            web.get("/orders/{id}/parcels", stall.find_parcel),
        ]
    )
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    (address,) = runner.addresses
    async with aiohttp.ClientSession() as client:
        yield World(stall, session(client, f"http://127.0.0.1:{address[1]}"))
    await runner.cleanup()


def session(client: aiohttp.ClientSession, url: str, token: str = "right") -> Session:
    return Session(
        connection=STALL,
        settings={"url": url, "token": token},
        lookups={"carriers": {"dhl": "DHL"}},
        identities=Nobody(),
        http=Http(client, url),
        clock=VirtualClock(NOW),
    )


# --- orders ---------------------------------------------------------------------------------------------------------


def received(body: bytes) -> Received:
    return Received(
        connection=STALL, feed="orders", body=body, headers={}, received_at=NOW, settings={}, channel="market"
    )


def documents(body: bytes) -> list[OrderPlaced]:
    return [each.document for each in decode_orders(received(body)) if isinstance(each, Decoded)]  # type: ignore[misc]


def test_an_order_is_told_in_our_words() -> None:
    first, second = documents(RECORDED)

    assert first.channel_order_id == "90071992547409931"  # beyond 2^53: never a float
    assert first.total == first.computed_total == Decimal("59.85")
    assert first.placed_at.tzinfo is not None
    assert second.payment_status is PaymentStatus.PENDING


def test_the_same_revision_is_one_event_whichever_poll_brings_it() -> None:
    once = [each.event_id for each in decode_orders(received(RECORDED)) if isinstance(each, Decoded)]
    again = [each.event_id for each in decode_orders(received(RECORDED)) if isinstance(each, Decoded)]

    assert once == again
    assert len(set(once)) == 2


def required() -> Iterator[tuple[str, list[str | int]]]:
    for name in ("id", "created_at", "updated_at", "currency", "total", "payment", "items", "buyer", "ship_to"):
        yield f"$.orders[0].{name}", ["orders", 0, name]
    for name in ("line", "sku", "quantity", "price", "vat_code", "vat"):
        yield f"$.orders[0].items[0].{name}", ["orders", 0, "items", 0, name]


@pytest.mark.parametrize(("path", "steps"), list(required()))
def test_a_field_that_is_gone_is_named_and_its_neighbour_goes_on(path: str, steps: list[str | int]) -> None:
    page = json.loads(RECORDED)
    node = page
    for step in steps[:-1]:
        node = node[step]
    del node[steps[-1]]

    damaged, sound = decode_orders(received(json.dumps(page).encode()))

    assert isinstance(damaged, Damaged)
    assert damaged.error.path == path
    assert isinstance(sound, Decoded)


def test_a_page_without_its_list_is_drift_and_not_an_empty_page() -> None:
    with pytest.raises(Undecodable, match=r"^\$\.orders"):
        list(decode_orders(received(b'{"results": []}')))


async def test_a_poll_reaches_back_behind_its_cursor(world: World) -> None:
    page = await fetch_orders(world.session, "")
    await fetch_orders(world.session, page.cursor)

    first, second = (datetime.fromisoformat(each) for each in world.stall.asked_since)
    assert first == NOW - OVERLAP
    assert second == datetime.fromisoformat(page.cursor) - OVERLAP
    assert timedelta(0) < OVERLAP == CONNECTOR.pulls[0].overlap


# --- parcels --------------------------------------------------------------------------------------------------------


async def test_a_parcel_lands_with_their_id(world: World) -> None:
    assert await report(world.session, [PARCEL]) == (Landed(document_id="P1"),)


async def test_after_a_lost_answer_the_probe_finds_the_one_parcel(world: World) -> None:
    assert isinstance(await find_parcel(world.session, PARCEL), Absent)
    world.stall.loses_answers = True

    with pytest.raises(CallFailed) as failed:
        await report(world.session, [PARCEL])

    assert failed.value.verdict is Verdict.UNKNOWN
    assert await find_parcel(world.session, PARCEL) == Landed(document_id="P1")
    assert len(world.stall.parcels) == 1


async def test_their_no_is_an_outcome_and_not_an_accident(world: World) -> None:
    world.stall.refuses = True

    (outcome,) = await report(world.session, [PARCEL])

    assert isinstance(outcome, Refused)


async def test_a_wrong_token_is_found_by_the_check(world: World) -> None:
    async with aiohttp.ClientSession() as client:
        stranger = session(client, world.session.settings["url"], token="wrong")

        (finding,) = [each async for each in check(stranger)]

    assert not finding.ok
    assert finding.todo
