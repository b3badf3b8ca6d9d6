"""Messages lie sealed: each opens with its own key only, whole, and goes with its month."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
from psycopg.rows import TupleRow

from crossdock.foundation.db import Database, fetch_tuples
from crossdock.foundation.ids import id_moment
from crossdock.foundation.vault import Vault
from crossdock.inbound import service as inbound
from crossdock.inbound.model import MessageId, MessageShown, NewMessage, Route
from inbound.shopfloor import NOW, SHOP, Hub, hub_on, order

BODY = order().encode()


@pytest.fixture
async def hub(database: Database) -> Hub:
    return await hub_on(database)


async def receive(hub: Hub, body: bytes, headers: Mapping[str, str]) -> MessageId:
    message = NewMessage(connection=SHOP, route=Route.WEBHOOK, feed="orders/create", body=body, headers=headers)
    async with hub.database.transaction() as tx:
        (stored,) = await inbound.receive(tx, hub.vault, [message], now=hub.clock.now())
    return stored


async def shown(hub: Hub, message: MessageId, vault: Vault | None = None) -> MessageShown:
    async with hub.database.transaction() as tx:
        found = await inbound.show(tx, vault or hub.vault, message)
    assert found is not None
    return found


async def rows(hub: Hub, query: str) -> Sequence[TupleRow]:
    async with hub.database.transaction() as tx:
        return await fetch_tuples(tx, query)


@pytest.mark.parametrize("size", [0, 1, 1_999, 2_000, 100_000, 300_000])
@pytest.mark.parametrize("headers", [{}, {"x-topic": "ä" * 300}])
async def test_what_was_stored_is_shown_as_it_came(hub: Hub, size: int, headers: Mapping[str, str]) -> None:
    body = (b'{"id": 1, "text": "\xc3\xa4\x00\xff"}' * (size // 20 + 1))[:size]

    message = (await shown(hub, await receive(hub, body, headers))).message

    assert (message.body, message.headers, message.size, message.closed) == (body, headers, size, "")


async def test_equal_messages_lie_unequal(hub: Hub) -> None:
    await receive(hub, BODY, {})
    await receive(hub, BODY, {})

    (one, other) = await rows(hub, "SELECT body, headers FROM inbound.message")
    assert one[0] != other[0]
    assert one[1] is other[1] is None


async def test_large_bodies_take_less_room_than_they_came_with(hub: Hub) -> None:
    await receive(hub, BODY * 100, {})

    ((size,),) = await rows(hub, "SELECT octet_length(body) FROM inbound.message")
    assert size < len(BODY) * 10


async def test_nothing_opens_without_its_own_key(hub: Hub) -> None:
    first, second = await receive(hub, BODY, {}), await receive(hub, order("2").encode(), {})
    async with hub.database.transaction() as tx:
        await tx.execute(
            "UPDATE inbound.message_key SET wrapped_key = other.wrapped_key FROM inbound.message_key AS other"
            " WHERE message_key.message = %s AND other.message = %s",
            (first, second),
        )

    assert "the seal is broken" in (await shown(hub, first)).message.closed
    assert (await shown(hub, second)).message.body == order("2").encode()
    assert (
        "the seal is broken"
        in (await shown(hub, second, Vault(b"another master key, 32 bytes it.."[:32]))).message.closed
    )


async def test_a_broken_seal_is_set_aside_and_its_neighbours_go_on(hub: Hub) -> None:
    broken = await receive(hub, BODY, {})
    whole = await receive(hub, order("2").encode(), {})
    async with hub.database.transaction() as tx:
        await tx.execute("UPDATE inbound.message SET body = body || '\\x00' WHERE id = %s", (broken,))

    await hub.work()

    assert await hub.states(broken) == ["quarantined"]
    assert await hub.states(whole) == ["applied"]
    (record,) = (await shown(hub, broken)).records
    assert "the seal is broken" in record.reason


async def test_a_message_from_before_messages_were_sealed_is_read_as_it_lies(hub: Hub) -> None:
    message = await receive(hub, BODY, {})
    async with hub.database.transaction() as tx:
        await tx.execute("DELETE FROM inbound.message_key")
        await tx.execute("""UPDATE inbound.message SET body = %s, size = NULL, headers = '{"x-topic": "t"}'""", (BODY,))

    await hub.work()

    assert await hub.states(message) == ["applied"]
    found = (await shown(hub, message)).message
    assert (found.body, found.headers, found.size) == (BODY, {"x-topic": "t"}, len(BODY))


async def test_keys_and_bindings_go_with_their_month(hub: Hub) -> None:
    message = await receive(hub, BODY, {})
    await hub.work()
    later = NOW + timedelta(days=100)
    await inbound.maintain(hub.database, now=later, retention=timedelta(days=400))
    held = await rows(hub, "SELECT tableoid::regclass::text FROM inbound.message_key")
    assert held[0][0] == f"inbound.message_key_{message_month(message)}"

    await inbound.maintain(hub.database, now=later, retention=timedelta(days=1))

    for table in ("message", "message_key", "binding", "record"):
        assert await rows(hub, f"SELECT * FROM inbound.{table}") == []  # noqa: S608 (a table named above)


def message_month(message: MessageId) -> str:
    return id_moment(message).strftime("%Y_%m")
