"""Stored before the answer, decoded afterwards, set aside with the exact place."""

import psycopg
import pytest

from crossdock.canonical.facts import MessageQuarantined
from crossdock.foundation.db import Database
from crossdock.inbound import service as inbound
from crossdock.inbound.model import NewMessage, RecordState, Route
from crossdock.inbound.service import Appliers
from inbound.shopfloor import OTHER, SHOP, Hub, change, connector, count, counts, hub_on, order


@pytest.fixture
async def hub(database: Database) -> Hub:
    return await hub_on(database)


async def test_a_message_is_on_disk_before_anybody_decodes_it(hub: Hub) -> None:
    (message,) = await hub.receive("orders/create", b"\x00 not even text")

    async with hub.database.transaction() as tx:
        shown = await inbound.show(tx, hub.vault, message)
    assert shown is not None
    assert (shown.message.body, shown.decoded, shown.records) == (b"\x00 not even text", False, [])


async def test_an_order_is_applied_once_however_often_it_is_delivered(hub: Hub) -> None:
    messages = await hub.receive("orders/create", order(), order(), order())

    work = await hub.work()

    assert await hub.effects() == ["placed"]
    assert (work.applied, work.repeated) == (1, 2)
    assert [await hub.states(message) for message in messages] == [["applied"], ["repeated"], ["repeated"]]


async def test_the_same_event_by_webhook_and_poll_is_one(hub: Hub) -> None:
    await hub.receive("orders/create", order())
    await hub.receive("orders", f'{{"orders": [{order()}, {order("2")}]}}', route=Route.POLL)

    await hub.work()

    assert await hub.effects("order/1") == ["placed"]
    assert await hub.effects("order/2") == ["placed"]


async def test_connections_do_not_share_their_events(hub: Hub) -> None:
    await hub.receive("orders/create", order())
    await hub.receive("orders/create", order(), connection=OTHER)

    await hub.work()

    assert await hub.effects("order/1") == ["placed", "placed"]


async def test_a_damaged_message_is_set_aside_with_the_exact_place(hub: Hub) -> None:
    (message,) = await hub.receive("orders/create", order(quantity='"two"'))

    await hub.work()

    assert await hub.states(message) == [RecordState.QUARANTINED]
    (fact,) = await hub.facts()
    assert isinstance(fact, MessageQuarantined)
    assert fact.path == "$.line_items[0].quantity"
    assert fact.reason == 'wanted number, got "two"'
    assert fact.message_id == str(message)


@pytest.mark.parametrize(
    ("feed", "body", "path", "reason"),
    [
        ("orders/create", "{", "$", "not JSON"),
        ("orders/create", order().replace('"total": "10"', '"total": "-1"'), "$.total", "must not be negative"),
        (
            "orders/create",
            order().replace('"sku": "A"', f'"sku": "{"A" * 65}"'),
            "$.lines[0].sku",
            "at most 64 characters",
        ),
        ("orders/create", order().replace('"sku": "A"', '"sku": "A\\u0000B"'), "$", "U+0000"),
        ("bad", "{}", "$", "ZeroDivisionError"),
        ("orders/never-heard-of", "{}", "$", "nothing here reads"),
    ],
)
async def test_whatever_a_sender_or_a_decoder_does_is_a_reason_never_a_crash(
    hub: Hub, feed: str, body: str, path: str, reason: str
) -> None:
    await hub.receive(feed, body)
    await hub.receive("orders/create", order("2"))

    await hub.work()

    (fact,) = await hub.facts()
    assert isinstance(fact, MessageQuarantined)
    assert fact.path == path
    assert reason in fact.reason
    assert await hub.effects("order/2") == ["placed"]


async def test_a_document_that_could_not_be_read_again_is_set_aside_before_it_is_kept(hub: Hub) -> None:
    (message,) = await hub.receive("orders/create", order().replace('"sku": "A"', '"sku": " "'))

    await hub.decode()

    assert await hub.states(message) == ["quarantined"]


async def test_one_bad_line_of_a_file_does_not_fail_its_neighbours(hub: Hub) -> None:
    body = counts(count("A", 1), count("B", 2, on_hand='"x"'), count("C", 3))
    (message,) = await hub.receive("counts", body, route=Route.UPLOAD)

    await hub.work()

    assert await hub.states(message) == ["applied", "quarantined", "applied"]
    assert sorted(await hub.effects()) == ["1", "3"]


async def test_a_topic_from_a_stranger_cannot_break_the_log(hub: Hub) -> None:
    (message,) = await hub.receive("  " + "x" * 100 + "\x00\n", "{}")

    await hub.work()

    (fact,) = await hub.facts()
    assert isinstance(fact, MessageQuarantined)
    assert fact.feed == "x" * 64
    assert await hub.states(message) == ["quarantined"]


async def test_headers_that_carry_credentials_are_not_kept(hub: Hub) -> None:
    message = NewMessage(
        connection=SHOP, route=Route.WEBHOOK, feed="f", body=b"", headers={"Authorization": "Bearer x", "X-Topic": "t"}
    )
    async with hub.database.transaction() as tx:
        (stored,) = await inbound.receive(tx, hub.vault, [message], now=hub.clock.now())
        shown = await inbound.show(tx, hub.vault, stored)

    assert shown is not None
    assert shown.message.headers == {"x-topic": "t"}


async def test_a_document_that_nobody_takes_in_is_set_aside_and_released_later(hub: Hub) -> None:
    (message,) = await hub.receive("orders/change", change())
    await hub.decode()
    nobody = Appliers(by_type={}, vault=hub.vault)
    await inbound.apply_waiting(hub.database, nobody, hub.estate, hub.clock)
    assert await hub.states(message) == ["quarantined"]

    async with hub.database.transaction() as tx:
        await inbound.release(tx, hub.desk, message, 0, who="ann", now=hub.clock.now())
    await hub.receive("orders/create", order())
    await hub.work()

    assert await hub.effects() == ["placed", "changed"]


async def test_keys_of_any_length_are_told_apart(hub: Hub) -> None:
    long = "9" * 60
    await hub.receive("counts", counts(*(count(long + str(n), f"{long}{n}") for n in range(4))), route=Route.UPLOAD)

    await hub.work()

    assert len(await hub.effects()) == 4


async def test_the_database_knows_the_states_and_no_others(hub: Hub) -> None:
    (message,) = await hub.receive("orders/create", order())
    await hub.decode()
    async with hub.database.transaction() as tx:
        for state in RecordState:
            await tx.execute("UPDATE inbound.record SET state = %s WHERE message = %s", (state.value, message))
    with pytest.raises(psycopg.errors.CheckViolation):
        async with hub.database.transaction() as tx:
            await tx.execute("UPDATE inbound.record SET state = 'lost' WHERE message = %s", (message,))


async def test_a_connection_that_left_the_estate_keeps_its_messages(hub: Hub) -> None:
    (message,) = await hub.receive("orders/create", order())
    configured, hub.made = hub.made, connector()
    gone = inbound.Desk(estate=hub.estate, connectors={}, settings={}, vault=hub.vault)
    await inbound.decode_waiting(hub.database, gone, hub.clock)
    assert await hub.states(message) == ["quarantined"]

    hub.made = configured
    async with hub.database.transaction() as tx:
        (group,) = await inbound.quarantine_groups(tx)
    assert await inbound.release_group(hub.database, hub.desk, group, who="ann", now=hub.clock.now()) == (1, 0)
    await hub.work()

    assert await hub.effects() == ["placed"]
