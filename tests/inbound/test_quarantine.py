"""What people see and do: nothing is hidden, a release reads again, a dismissal lasts."""

import pytest

from crossdock.canonical.facts import MessageQuarantined, MessageSettled
from crossdock.foundation.db import Database
from crossdock.foundation.ids import new_id
from crossdock.inbound import service as inbound
from crossdock.inbound.model import MessageId, RecordState, Route
from crossdock.inbound.quarantine.model import (
    Dismissed,
    DismissOutcome,
    NotFound,
    NotOpen,
    Released,
    ReleaseOutcome,
    StillDamaged,
)
from inbound.shopfloor import SHOP, Hub, change, count, counts, hub_on, order


@pytest.fixture
async def hub(database: Database) -> Hub:
    return await hub_on(database)


async def released(hub: Hub, message: MessageId, number: int = 0, body: str | None = None) -> ReleaseOutcome:
    async with hub.database.transaction() as tx:
        raw = None if body is None else body.encode()
        return await inbound.release(tx, hub.desk, message, number, who="ann", now=hub.clock.now(), body=raw)


async def dismissed(hub: Hub, message: MessageId, number: int = 0) -> DismissOutcome:
    async with hub.database.transaction() as tx:
        return await inbound.dismiss(tx, message, number, reason="a test", who="ann", now=hub.clock.now())


async def test_a_quarantined_message_shows_its_body_its_place_and_its_reason(hub: Hub) -> None:
    (message,) = await hub.receive("orders/create", order(quantity='"two"'))
    await hub.work()

    async with hub.database.transaction() as tx:
        shown = await inbound.show(tx, hub.vault, message)

    assert shown is not None
    assert shown.message.body == order(quantity='"two"').encode()
    (record,) = shown.records
    assert (record.state, record.path) == ("quarantined", "$.line_items[0].quantity")


async def test_a_corrected_body_lets_the_message_go_on_and_keeps_what_was_sent(hub: Hub) -> None:
    (message,) = await hub.receive("orders/create", order(quantity='"two"'))
    await hub.work()

    assert await released(hub, message, body=order(quantity="2")) == Released(records=1)
    await hub.work()

    assert await hub.effects() == ["placed"]
    async with hub.database.transaction() as tx:
        shown = await inbound.show(tx, hub.vault, message)
    assert shown is not None
    assert b'"two"' in shown.message.body
    settled = [fact for fact in await hub.facts() if isinstance(fact, MessageSettled)]
    assert [fact.outcome for fact in settled] == ["decoded"]


async def test_a_body_that_is_still_wrong_stays_with_its_new_place(hub: Hub) -> None:
    (message,) = await hub.receive("orders/create", order(quantity='"two"'))
    await hub.work()

    outcome = await released(hub, message, body=order().replace('"10"', '"ten"'))

    assert outcome == StillDamaged(path="$.total", reason='wanted number, got "ten"')
    assert await hub.states(message) == ["quarantined"]
    assert [fact.path for fact in await hub.facts() if isinstance(fact, MessageQuarantined)] == [
        "$.line_items[0].quantity",
        "$.total",
    ]


async def test_one_record_of_a_file_is_corrected_alone(hub: Hub) -> None:
    body = counts(count("A", 1), count("B", 2, on_hand='"x"'), count("B", 3))
    (message,) = await hub.receive("counts", body, route=Route.UPLOAD)
    await hub.work()

    assert await released(hub, message, 1, count("B", 2)) == Released(records=1)
    await hub.work()

    assert await hub.effects("count/B") == ["2", "3"]
    assert await hub.effects("count/A") == ["1"]


async def test_a_correction_must_be_one_record(hub: Hub) -> None:
    (message,) = await hub.receive("counts", counts(count("A", 1), count("B", 2, on_hand='"x"')), route=Route.UPLOAD)
    await hub.work()

    outcome = await released(hub, message, 1, counts(count("B", 2), count("B", 3)))

    assert isinstance(outcome, StillDamaged)
    assert await hub.states(message) == ["applied", "quarantined"]


async def test_what_is_set_aside_for_one_cause_is_one_group_and_each_record_is_verified(hub: Hub) -> None:
    hub.poison = {"order/1", "order/2", "order/3"}
    await hub.receive("orders/create", order("1"), order("2"), "{")
    await hub.work()
    hub.poison = {"order/2"}

    async with hub.database.transaction() as tx:
        groups = await inbound.quarantine_groups(tx)
    for group in groups:
        await inbound.release_group(hub.database, hub.desk, group, who="ann", now=hub.clock.now())
    await hub.work()

    assert sorted(group.reason.split(":")[0] for group in groups) == ["could not be applied"] * 2 + ["not JSON"]
    assert await hub.effects() == ["placed"]
    async with hub.database.transaction() as tx:
        assert sorted(group.reason.split(":")[0] for group in await inbound.quarantine_groups(tx)) == [
            "could not be applied",
            "not JSON",
        ]


async def test_a_dismissed_event_stays_dismissed_when_it_is_delivered_again(hub: Hub) -> None:
    hub.poison = {"order/1"}
    (message,) = await hub.receive("orders/create", order())
    await hub.work()
    hub.poison = set()

    assert await dismissed(hub, message) == Dismissed()
    (again,) = await hub.receive("orders/create", order())
    await hub.work()

    assert await hub.effects() == []
    assert await hub.states(again) == ["repeated"]


async def test_a_dismissal_can_be_taken_back(hub: Hub) -> None:
    hub.poison = {"order/1"}
    (message,) = await hub.receive("orders/create", order())
    await hub.work()
    hub.poison = set()
    await dismissed(hub, message)

    await released(hub, message)
    await hub.work()

    assert await hub.effects() == ["placed"]


async def test_an_applied_record_can_be_neither_released_nor_dismissed(hub: Hub) -> None:
    (message,) = await hub.receive("orders/create", order())
    await hub.work()

    assert await released(hub, message) == NotOpen(state=RecordState.APPLIED)
    assert await dismissed(hub, message) == NotOpen(state=RecordState.APPLIED)


async def test_a_stranger_is_not_found(hub: Hub) -> None:
    assert await released(hub, MessageId(new_id())) == NotFound()
    async with hub.database.transaction() as tx:
        assert await inbound.show(tx, hub.vault, MessageId(new_id())) is None


async def test_a_waiting_record_may_be_tried_at_once(hub: Hub) -> None:
    (early,) = await hub.receive("orders/change", change())
    await hub.work()
    async with hub.database.transaction() as tx:
        await tx.execute("INSERT INTO public.effect (key, what, worker) VALUES ('order/1', 'placed', 0)")

    assert await released(hub, early) == Released(records=1)
    await hub.work()

    assert await hub.states(early) == ["applied"]


async def test_everything_about_one_key_is_found_together(hub: Hub) -> None:
    await hub.receive("orders/change", change())
    await hub.receive("orders/create", order(), order("2"))
    await hub.work()

    async with hub.database.transaction() as tx:
        records = await inbound.of_key(tx, SHOP, "order/1")

    assert [record.feed for record in records] == ["orders/change", "orders/create"]


async def test_the_tally_counts_every_record_and_every_undecoded_message(hub: Hub) -> None:
    await hub.receive("orders/create", order(), order(), order("2", quantity='"x"'))
    await hub.work()
    await hub.receive("orders/create", order("3"))

    async with hub.database.transaction() as tx:
        counted = {entry.state: entry.count for entry in await inbound.tally(tx)}

    assert counted == {"applied": 1, "repeated": 1, "quarantined": 1, "undecoded": 1}


async def test_open_records_come_page_by_page(hub: Hub) -> None:
    await hub.receive("counts", counts(*(count(f"S{n}", n, on_hand='"x"') for n in range(5))), route=Route.UPLOAD)
    await hub.work()

    async with hub.database.transaction() as tx:
        first = await inbound.open_records(tx, limit=3)
        place = (first[-1].message, first[-1].number)
        rest = await inbound.open_records(tx, after_record=place, limit=3)

    assert [record.number for record in (*first, *rest)] == [0, 1, 2, 3, 4]
