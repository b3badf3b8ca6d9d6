"""Names, addresses, mails and telephones rest nowhere in clear, and can be taken away from everywhere at once."""

import base64
import hashlib
import hmac
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import msgspec
import psycopg
import pytest
from psycopg import sql

from crossdock.assembly.appliers import appliers
from crossdock.assembly.desks import desk
from crossdock.assembly.reactions import REACTORS, step
from crossdock.assembly.registry import connectors
from crossdock.assembly.sending import builders
from crossdock.canonical.base import ChannelCode, ConnectionName, OrderId
from crossdock.canonical.orders import OrderPlaced
from crossdock.estate import service as estates
from crossdock.estate.model import ConnectionConfig
from crossdock.foundation.vault import DataKey, SealBrokenError, Vault
from crossdock.inbound import service as inbound
from crossdock.inbound.model import MessageId, MessageShown, RecordState
from crossdock.inbound.quarantine.model import Closed
from crossdock.operations import trace as traces
from crossdock.operations.people import service as people
from crossdock.operations.people.model import Forgotten, StillNeeded
from crossdock.operations.people.service import Request
from crossdock.orders import service as orders
from crossdock.orders.model import HoldCode
from crossdock.outbound import service as outbound
from gateway.shop import ESTATE, JSON, Api, order

SECRET = "example-secret"
PHONE = 4915112345678
LOYALTY = "66677001234"
PERSON = {"channel_customer_id": "c-77", "name": "Zyxella Quibberton", "email": "zyxella@quibberton.example"}
ADDRESS = {"name": "Zyxella Quibberton", "lines": ["Wunderlichgasse 17"], "city": "Ulmenhausen", "phone": f"+{PHONE}"}
CANARIES = ("zyxella", "quibberton", "wunderlichgasse", "ulmenhausen", str(PHONE), "petunia", LOYALTY)
"""In lower case; `petunia` is what the note says."""
RECEIPT = {
    "document": "sale_recorded",
    "store": "north",
    "till": "1",
    "business_day": "2026-11-27",
    "sequence": 1,
    "ended_at": "2026-11-27T18:05:00",
    "currency": "EUR",
    "total": "4.50",
    "lines": [{"number": 1, "sku": "TEA", "quantity": 1, "amount": "4.50"}],
    "tenders": [{"tender": "cash", "amount": "4.50"}],
    "customer": {"channel_customer_id": LOYALTY, "email": PERSON["email"]},
}


def shop_order(number: int, **other: object) -> dict[str, object]:
    """An order as the shop's webhooks tell it."""
    return {
        "id": number,
        "name": f"#{number}",
        "currency": "EUR",
        "taxes_included": True,
        "created_at": "2026-11-21T12:00:00Z",
        "updated_at": "2026-11-21T12:00:00Z",
        "total_price": "4.50",
        "current_total_price": "4.50",
        "financial_status": "paid",
        "payment_gateway_names": [],
        "line_items": [
            {
                "id": 1,
                "sku": "TEA",
                "name": "Tea",
                "quantity": 1,
                "current_quantity": 1,
                "price": "4.50",
                "discount_allocations": [],
                "tax_lines": [],
            }
        ],
        "shipping_lines": [],
        "email": PERSON["email"],
        "phone": f"+{PHONE}",
        "note": "for Petunia",
        "customer": {"id": 77, "first_name": "Zyxella", "last_name": "Quibberton"},
        "shipping_address": {"name": ADDRESS["name"], "address1": "Wunderlichgasse 17", "city": "Ulmenhausen"},
        **other,
    }


@dataclass(slots=True)
class World:
    """A hub that was told of one person in every way."""

    api: Api
    dsn: str

    @property
    def vault(self) -> Vault:
        return self.api.hub.vault

    async def web_order(self, name: str, **other: object) -> OrderId:
        body = order(name, customer=PERSON, ship_to=ADDRESS, note="for Petunia", **other)
        told = await self.api.post("/v1/orders", body, idempotency=f"key {name} {json.dumps(other)}")
        assert told.status in {200, 202}, told.text
        return OrderId(UUID(str(told.json["order_id"])))

    async def webhook(self, body: object) -> MessageId:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        digest = base64.b64encode(hmac.new(SECRET.encode(), raw, hashlib.sha256).digest()).decode()
        headers = {**JSON, "X-Shopify-Hmac-Sha256": digest, "X-Shopify-Topic": "orders/create", "Authorization": ""}
        told = await self.api.ask("POST", "/v1/webhooks/shop", raw=raw, headers=headers)
        assert told.status == 200, told.text
        return MessageId(UUID(str(told.json["message_id"])))

    async def receipts(self, *told: object) -> MessageId:
        raw = "\n".join(json.dumps(each) for each in told).encode()
        headers = {"Content-Type": "application/x-ndjson"}
        answer = await self.api.ask("POST", "/v1/uploads/tills", raw=raw, headers=headers)
        assert answer.status == 202, answer.text
        return MessageId(UUID(str(answer.json["message_id"])))

    async def work(self) -> None:
        """Whatever workers do, until nothing moves."""
        hub = self.api.hub
        async with hub.database.transaction() as tx:
            estate = await hub.estate.get(tx)
        more = True
        while more:
            done = await inbound.decode_waiting(hub.database, desk(hub, estate), hub.clock)
            done += await inbound.apply_waiting(hub.database, appliers(hub), estate, hub.clock)
            more = done.more
            for reactor in REACTORS:
                while await step(hub, reactor):
                    more = True
            async with hub.database.transaction() as tx:
                await outbound.derive(tx, estate, list(builders(hub)), now=hub.clock.now())

    async def states(self, message: MessageId) -> Sequence[str]:
        shown = await self.show(message)
        return [record.state for record in shown.records]

    async def show(self, message: MessageId) -> MessageShown:
        async with self.api.hub.database.transaction() as tx:
            shown = await inbound.show(tx, self.vault, message)
        assert shown is not None
        return shown

    async def forget(self, connection: str, name: str, *, anyway: bool = True) -> "Forgotten | StillNeeded":
        hub = self.api.hub
        request = Request(reference="DSR-17", who="ann", now=hub.clock.now())
        async with hub.database.transaction() as tx:
            whom = await people.known_as(tx, hub.vault, ConnectionName(connection), name)
            outcome = await people.forget(tx, hub.vault, whom, request, anyway=anyway)
        assert isinstance(outcome, Forgotten | StillNeeded), outcome
        return outcome

    async def forget_everywhere(self) -> None:
        for connection, name in (("api.web", "c-77"), ("shop", "77"), ("tills", LOYALTY)):
            await self.forget(connection, name)

    async def keep_up(self) -> None:
        hub = self.api.hub
        await inbound.maintain(hub.database, now=hub.clock.now(), retention=timedelta(days=400))

    def cells(self) -> Iterator[tuple[str, tuple[object, ...]]]:
        """Every row of every table that the catalogue knows."""
        with psycopg.connect(self.dsn) as session:
            tables = session.execute(
                "SELECT nspname, relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace "
                "WHERE relkind = 'r' AND nspname !~ '^(pg_|information_schema|shelf)'"
            ).fetchall()
            assert len(tables) > 50, tables
            for schema, table in tables:
                for row in session.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(schema, table))):
                    yield f"{schema}.{table}", row

    def leaks(self) -> set[str]:
        """Where somebody with the database alone reads something of the person."""
        return {table for table, row in self.cells() for cell in row if betrays(cell)}

    def stolen(self) -> set[str]:
        """Where somebody does who has the master key as well and tries every key on everything."""
        rows = [(table, list(row)) for table, row in self.cells()]
        blobs = [(table, cell, cells) for table, cells in rows for cell in cells if isinstance(cell, bytes)]
        keys: list[DataKey] = []
        for _, cell, _ in blobs:
            with suppress(SealBrokenError, ValueError):
                keys.append(self.vault.unwrap(cell))
        found: set[str] = set()
        for table, cell, cells in blobs:
            ids = [each.bytes for each in cells if isinstance(each, UUID)]
            for key in keys:
                for bound_to in ids:
                    with suppress(SealBrokenError, ValueError):
                        if betrays(key.open(cell, bound_to=bound_to)):
                            found.add(table)
        return found


def betrays(cell: object) -> bool:
    if isinstance(cell, bytes):
        texts = [cell.decode("utf-8", "replace")]
        for start in (0, 1):
            with suppress(zlib.error):
                texts.append(zlib.decompress(cell[start:]).decode("utf-8", "replace"))
        return any(betrays(text) for text in texts)
    text = str(cell).casefold()
    return any(canary in text for canary in CANARIES)


@pytest.fixture
async def world(api: Api, dsn: str, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("SHOP_SECRET", SECRET)
    given = {
        setting.name: "${SHOP_SECRET}" if setting.secret else "https://shop.example.org"
        for setting in connectors()["shopify"].settings
        if setting.default is None
    }
    config = ConnectionConfig(name="shop", connector="shopify", channel=ChannelCode("app"), settings=given)
    estate = type(ESTATE)(
        company=ESTATE.company,
        locations=ESTATE.locations,
        channels=ESTATE.channels,
        connections=(*ESTATE.connections, config),
    )
    async with api.hub.database.transaction() as tx:
        await estates.apply(tx, estate, note="with a shop", now=api.hub.clock.now())
    await api.api_keys_are_read_again()
    await api.stock("TEA", dc=10)
    return World(api, dsn)


@pytest.fixture
async def told(world: World) -> World:
    """One order over the API, one by webhook and again, a receipt, and messages that nobody can read."""
    await world.web_order("W-1")
    await world.webhook(shop_order(1001))
    await world.webhook(shop_order(1001, updated_at="2026-11-21T13:00:00Z"))
    await world.receipts(RECEIPT)
    for broken in ({"phone": PHONE}, {"note": ["for Petunia"]}, {"customer": "Zyxella Quibberton"}):
        await world.webhook(shop_order(1002, **broken))
    swapped = {
        **RECEIPT,
        "sequence": 2,
        "lines": [{"number": 1, "sku": "TEA", "quantity": PERSON["name"], "amount": 1}],
    }
    await world.receipts(swapped)
    await world.work()
    return world


async def test_nothing_that_says_who_somebody_is_rests_in_clear(told: World) -> None:
    assert not told.leaks()
    assert {"customers.contact", "inbound.message_default"} <= told.stolen()


async def test_documents_of_records_that_wait_for_their_turn_rest_sealed(world: World) -> None:
    message = await world.webhook(shop_order(1001))
    hub = world.api.hub
    async with hub.database.transaction() as tx:
        estate = await hub.estate.get(tx)
    await inbound.decode_waiting(hub.database, desk(hub, estate), hub.clock)

    assert await world.states(message) == ["received"]
    assert not world.leaks()
    assert "inbound.record_default" in world.stolen()


async def test_a_body_put_in_the_place_of_a_record_rests_sealed(world: World) -> None:
    message = await world.webhook(shop_order(1002, phone=PHONE))
    await world.work()
    hub = world.api.hub
    async with hub.database.transaction() as tx:
        estate = await hub.estate.get(tx)
        body = json.dumps(shop_order(1002, phone=PHONE + 1)).encode()
        await inbound.release(tx, desk(hub, estate), message, 0, who="ann", now=hub.clock.now(), body=body)

    assert not world.leaks()
    (record,) = (await world.show(message)).records
    assert record.raw == body


async def test_whoever_is_forgotten_cannot_be_brought_back_with_all_keys_and_all_tables(told: World) -> None:
    for message in await unreadable(told):
        await dismissed(told, message)

    await told.forget_everywhere()

    assert not told.leaks()
    assert not told.stolen()
    for message in await unreadable(told):
        assert (await told.show(message)).records[0].state == RecordState.DISMISSED


async def unreadable(world: World) -> Sequence[MessageId]:
    async with world.api.hub.database.transaction() as tx:
        return [record.message for record in await inbound.open_records(tx)]


async def dismissed(world: World, message: MessageId) -> None:
    hub = world.api.hub
    async with hub.database.transaction() as tx:
        await inbound.dismiss(tx, message, 0, reason="unwanted", who="ann", now=hub.clock.now())


BOOKS = {
    "orders": "SELECT order_id, number, total, currency, payments::text, accepted_at, completed_at FROM orders.header",
    "lines": "SELECT order_id, line_id, sku, ordered, allocated FROM orders.line",
    "receipts": "SELECT store, till, sequence, total, document::text FROM finance.receipt",
    "stock": "SELECT sku, location, quantity FROM inventory.movement",
}


async def test_forgetting_a_person_leaves_orders_stock_and_money_as_they_were(told: World) -> None:
    def books() -> list[object]:
        with psycopg.connect(told.dsn) as session:
            return [sorted(map(str, session.execute(query).fetchall())) for query in BOOKS.values()]

    before = books()
    assert all(before)

    await told.forget_everywhere()

    assert books() == before


async def test_no_digest_that_stays_lets_anybody_try_guesses(world: World) -> None:
    """What is left over is keyed, and of a person's own words nothing is left over at all."""
    body = order("W-1", customer=PERSON, ship_to=ADDRESS, note="for Petunia")
    raw = json.dumps(body).encode()
    told = await world.api.ask("POST", "/v1/orders", raw=raw, headers={**JSON, "Idempotency-Key": "k"})
    assert told.status == 202
    await world.work()

    plain = [hashlib.sha256(b"/v1/orders\0" + raw).digest(), hashlib.sha256(raw).digest()]
    document = msgspec.json.decode(raw, type=OrderPlaced)
    blobs = [cell for _, row in world.cells() for cell in row if isinstance(cell, bytes)]
    assert not set(plain) & set(blobs)

    marks = {world.vault.mark(msgspec.json.encode(document)), world.vault.mark(msgspec.json.encode(document.ship_to))}
    assert marks <= set(blobs)
    await world.forget("api.web", "c-77")
    assert not marks & {cell for _, row in world.cells() for cell in row if isinstance(cell, bytes)}


async def test_a_trace_says_what_was_erased_and_why(world: World) -> None:
    order_id = await world.web_order("W-1")
    await world.work()

    await world.forget("api.web", "c-77")

    async with world.api.hub.database.transaction() as tx:
        trace = await traces.trace_order(tx, order_id)
    assert trace is not None
    told = {step.what: step.detail for step in trace.steps}
    assert "DSR-17" in told["message erased"]
    assert "DSR-17" in told["customer.erased"]
    shown = await world.api.get(f"/v1/orders/{order_id}/trace")
    assert shown.status == 200
    assert "DSR-17" in shown.text


async def test_an_erased_message_says_so_and_is_not_read_again(world: World) -> None:
    message = await world.webhook(shop_order(1001))
    await world.work()
    await world.forget("shop", "77")

    shown = await world.show(message)
    assert re.fullmatch(r"erased on \d{4}-\d\d-\d\d at the request of DSR-17", shown.message.closed)
    assert (shown.message.body, shown.message.headers) == (b"", {})
    assert shown.message.size > 0
    hub = world.api.hub
    async with hub.database.transaction() as tx:
        await tx.execute("UPDATE inbound.record SET state = 'dismissed'")
        estate = await hub.estate.get(tx)
        outcome = await inbound.release(tx, desk(hub, estate), message, 0, who="ann", now=hub.clock.now())
    assert outcome == Closed(reason=shown.message.closed)


async def test_what_was_told_before_and_is_read_later_does_not_bring_anybody_back(world: World) -> None:
    first = await world.web_order("W-1")
    await world.work()
    late = await world.webhook(shop_order(1001))

    await world.forget("api.web", "c-77")
    await world.forget("shop", "77")
    await world.work()
    await world.keep_up()

    assert await world.states(late) == ["applied"]
    assert "DSR-17" in (await world.show(late)).message.closed
    assert not world.stolen()
    async with world.api.hub.database.transaction() as tx:
        for order_id in (first, *await orders.find(tx, "1001")):
            view = await orders.get(tx, order_id)
            assert view is not None
            assert await orders.contact_of(tx, world.vault, view.order) is None


async def test_a_redelivery_and_a_poll_of_an_old_order_do_not_bring_anybody_back(world: World) -> None:
    await world.webhook(shop_order(1001))
    await world.web_order("W-1")
    await world.work()
    await world.forget("shop", "77")
    await world.forget("api.web", "c-77")

    again = await world.webhook(shop_order(1001, updated_at="2026-11-21T15:00:00Z", note="Petunia again"))
    await world.web_order("W-1", updated_at="2026-11-21T15:00:00Z")
    await world.work()
    await world.keep_up()

    assert not world.stolen()
    assert (await world.show(again)).message.closed
    async with world.api.hub.database.transaction() as tx:
        (order_id,) = await orders.find(tx, "1001")
        view = await orders.get(tx, order_id)
    assert view is not None
    assert HoldCode.EDITED not in {hold.hold for hold in view.order.holds}, "what is not known any more is no edit"


async def test_somebody_unknown_is_forgotten_with_their_order(world: World) -> None:
    """A guest without mail or id: their order is all they are known by."""
    guest = {"customer": None, "email": None, "phone": None}
    message = await world.webhook(shop_order(1001, **guest))
    told = await world.api.post("/v1/orders", order("W-2", ship_to=ADDRESS, note="for Petunia"))
    await world.work()
    hub = world.api.hub
    async with hub.database.transaction() as tx:
        for order_id in (*await orders.find(tx, "1001"), OrderId(UUID(str(told.json["order_id"])))):
            subject = await people.of_order(tx, order_id)
            assert subject is not None
            whom = await people.whom(tx, hub.vault, subject)
            assert whom is not None
            request = Request(reference="DSR-17", who="ann", now=hub.clock.now())
            outcome = await people.forget(tx, hub.vault, whom, request, anyway=True)
            assert isinstance(outcome, Forgotten)
            assert outcome.messages == 1

    await world.webhook(shop_order(1001, **guest, updated_at="2026-11-21T15:00:00Z"))
    await world.work()
    await world.keep_up()

    assert (await world.show(message)).message.closed
    assert not world.stolen()


async def test_a_message_with_open_work_is_erased_when_the_work_is_done(world: World) -> None:
    """Two receipts in one upload: hers is fine, somebody else's cannot be read yet."""
    broken = {**RECEIPT, "sequence": 2, "customer": None, "lines": [{"number": 1, "sku": "TEA"}]}
    message = await world.receipts(RECEIPT, broken)
    await world.work()

    outcome = await world.forget("tills", LOYALTY)

    assert isinstance(outcome, Forgotten)
    assert (outcome.messages, [each.number for each in outcome.waiting]) == (0, [1])
    assert not (await world.show(message)).message.closed

    hub = world.api.hub
    async with hub.database.transaction() as tx:
        await inbound.dismiss(tx, message, 1, reason="given up", who="ann", now=hub.clock.now())
    await world.keep_up()

    assert "DSR-17" in (await world.show(message)).message.closed


async def test_one_who_buys_again_is_somebody_new_and_stays(world: World) -> None:
    await world.web_order("W-1")
    await world.work()
    await world.forget("api.web", "c-77")

    now = world.api.hub.clock.now().isoformat()
    order_id = await world.web_order("W-2", placed_at=now)
    await world.work()
    await world.keep_up()

    async with world.api.hub.database.transaction() as tx:
        view = await orders.get(tx, order_id)
        assert view is not None
        contact = await orders.contact_of(tx, world.vault, view.order)
    assert contact is not None
    assert contact.person is not None
    assert contact.person.name == PERSON["name"]


async def test_nobody_is_erased_while_their_parcel_needs_the_address(world: World) -> None:
    order_id = await world.web_order("W-1")
    await world.work()

    outcome = await world.forget("api.web", "c-77", anyway=False)

    assert outcome == StillNeeded(orders=[order_id])
    assert world.stolen()


async def test_what_is_kept_about_a_person_is_shown_whole_and_nothing_of_others(world: World) -> None:
    order_id = await world.web_order("W-1")
    other = {**RECEIPT, "sequence": 2, "customer": {"channel_customer_id": "somebody-else"}}
    await world.receipts(RECEIPT, other)
    await world.work()
    hub = world.api.hub

    async with hub.database.transaction() as tx:
        whom = await people.known_as(tx, hub.vault, ConnectionName("api.web"), "c-77")
        kept = await people.holdings(tx, hub.vault, whom)
        at_tills = await people.holdings(
            tx, hub.vault, await people.known_as(tx, hub.vault, ConnectionName("tills"), LOYALTY)
        )

    (contact,) = kept.contacts.values()
    assert contact.note == "for Petunia"
    assert [view.order.header.order_id for view in kept.orders] == [order_id]
    (message,) = kept.messages
    assert not message.shared
    assert b"Wunderlichgasse" in message.message.body
    (upload,) = at_tills.messages
    assert upload.shared


async def test_erasing_is_final(world: World) -> None:
    await world.web_order("W-1")
    await world.work()
    await world.forget("api.web", "c-77")
    hub = world.api.hub

    async with hub.database.transaction() as tx:
        (order_id,) = await orders.find(tx, "W-1")
        subject = await people.of_order(tx, order_id)
        assert subject is not None
        whom = await people.whom(tx, hub.vault, subject)
        assert whom is not None
        kept = await people.holdings(tx, hub.vault, whom)
    assert isinstance(subject, UUID)
    assert not kept.contacts
    assert all(told.message.closed for told in kept.messages)
