"""Hundreds of things that lack the same kind of identity are one matter; what is matched goes on by itself."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import LiteralString

import msgspec
import psycopg
import pytest

from assembly.parts import DC, ESTATE, NOW, PLAIN, World, make_hub
from crossdock.assembly import matching
from crossdock.assembly.healing import heal
from crossdock.assembly.means import means
from crossdock.canonical.base import ConnectionName, Document, LocationCode, Sku
from crossdock.canonical.facts import CountRecorded, ExceptionClosed, ExceptionOpened
from crossdock.canonical.intents import GoodsLine, IntentDocument, PostCount
from crossdock.canonical.stock import FloorMovement, MovementRecorded
from crossdock.connector_kit.model import Connector, Damaged, Decoded, Landed, Outcome, Received, Webhook, Webhooks
from crossdock.connector_kit.record import Record, Undecodable, unknown_location, unmatched
from crossdock.connector_kit.session import Session
from crossdock.crossref import service as crossref
from crossdock.crossref.model import Kind, Link
from crossdock.estate.model import ConnectionConfig, FlowKind, Location, LocationKind
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.db import Database, execute
from crossdock.inbound import service as inbound
from crossdock.inbound.model import NewMessage, Route
from crossdock.inventory import service as inventory
from crossdock.operations.casework import service as casework
from crossdock.operations.casework.service import By, NotPossible, ReleaseOutcome, Worked
from crossdock.operations.model import OpenException
from crossdock.outbound.model import IntentState
from outbound.rig import Rig, connector, derive_all, flow, intents, until_state
from outbound.target import Target

ERP = ConnectionName("erp")


def ada() -> By:
    return By(who="ada", why="matched", now=SYSTEM_CLOCK.now())


async def post(session: Session, documents: Sequence[IntentDocument]) -> Sequence[Outcome]:
    """Counts land where the other side knows the item."""
    (document,) = documents
    assert isinstance(document, PostCount)
    await session.identities.theirs("sku", [line.sku for line in document.lines])
    return [Landed(document_id=document.reference)]


def goods(received: Received) -> Iterator[Decoded | Damaged]:
    """Movements by their item ids, of stores whose time zone must be known."""
    for record in Record.parse(received.body).each("records"):
        try:
            yield _movement(received, record)
        except Undecodable as error:
            yield Damaged(error=error)


def _movement(received: Received, record: Record) -> Decoded:
    item, place = record.text("item"), record.text("place")
    if place not in received.zones:
        raise unknown_location(f"{record.path}.place", f"no time zone of {place}", place)
    sku = received.matched.get("sku", {}).get(item)
    if sku is None:
        raise unmatched(f"{record.path}.item", "sku", item, f'item "{item}" is not matched')
    moved = MovementRecorded(
        reference=record.text("id"),
        kind=FloorMovement.RECEIVE,
        sku=sku,
        location=LocationCode(place),
        quantity=Decimal(1),
        happened_at=NOW - timedelta(days=30),  # the hub's clock is the system's: whatever lies ahead of it is doubtful
    )
    return Decoded(document=moved, key=f"stock/{sku}/{place}", event_id=record.text("id"))


TELLS = Connector(
    name="tells",
    title="Tells",
    role=PLAIN.role,
    summary="Tells of goods in its own words.",
    settings=(),
    limits=PLAIN.limits,
    webhooks=Webhooks(
        topics=(Webhook(topic="goods", decode=goods),),
        topic_of=lambda _headers: "goods",
        verify=lambda _body, _headers, _settings: True,
    ),
)
RETAILER = msgspec.structs.replace(
    ESTATE,
    connections=(*ESTATE.connections, ConnectionConfig(name=ERP, connector="tells")),
    flows=(flow(FlowKind.COUNT, ERP),),
)


@pytest.fixture
async def hub(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("SHOP_TOKEN", "open sesame")
    # Pumps go by the real clock, so the hub does.
    made = World(replace(make_hub(database, tmp_path, {"plain": PLAIN, "tells": TELLS}), clock=SYSTEM_CLOCK))
    await made.apply_estate(RETAILER)
    await made.know("T")
    return made


@asynccontextmanager
async def sending(hub: World, *settled: IntentState) -> AsyncIterator[None]:
    """What is due is sent, until nothing moves any more."""
    rig = Rig(hub.database, RETAILER, connector=connector(run=post), connection=ERP)
    async with rig.pumping(Target(url="http://127.0.0.1:1")):
        yield
        await until_state(hub.database, *settled)


async def count(hub: World, *skus: str) -> None:
    """Each at a location of its own, so that none waits behind another."""
    facts: list[Document] = [
        CountRecorded(
            count_id=f"C-{sku}",
            location=LocationCode(f"L-{sku}"),
            counted_on=date(2026, 11, 27),
            lines=(GoodsLine(sku=sku, quantity=Decimal(1)),),
        )
        for sku in skus
    ]
    new = [NewFact(stream="count", fact=fact, happened_at=NOW, origin=Origin.begin("test")) for fact in facts]
    async with hub.database.transaction() as tx:
        await eventlog.append(tx, new)
    await derive_all(hub.database, RETAILER)
    async with sending(hub, IntentState.PARKED, IntentState.LANDED):
        pass
    await hub.react()


async def tell(hub: World, *records: tuple[str, str, str]) -> None:
    body = msgspec.json.encode(
        {"records": [{"id": number, "item": item, "place": place} for number, item, place in records]}
    )
    message = NewMessage(connection=ERP, route=Route.WEBHOOK, feed="goods", body=body)
    async with hub.database.transaction() as tx:
        await inbound.receive(tx, hub.hub.vault, [message], now=NOW)
    await hub.work()
    await hub.react()


async def link(hub: World, **pairs: str) -> None:
    """Match items that are described here."""
    await hub.know(*pairs)
    async with hub.database.transaction() as tx:
        links = [Link(ours=ours, theirs=theirs, how="hand") for ours, theirs in pairs.items()]
        await crossref.link(tx, ERP, Kind.SKU, links)


async def only(hub: World) -> OpenException:
    (found,) = await hub.exceptions()
    return found


async def release(hub: World) -> ReleaseOutcome:
    found = await only(hub)
    async with hub.database.transaction() as tx:
        estate = await hub.hub.estate.get(tx)
        return await casework.release(tx, means(hub.hub, estate), found, ada())


async def on_hand(hub: World, sku: str) -> Decimal:
    async with hub.database.transaction() as tx:
        return sum((each.on_hand for each in await inventory.positions(tx, {Sku(sku)}, now=NOW)), Decimal(0))


NAMES = [f"I{number:02}" for number in range(30)]


async def test_items_that_are_not_matched_are_one_exception_that_names_the_first_and_counts_the_rest(
    hub: World,
) -> None:
    await count(hub, *NAMES)

    found = await only(hub)

    assert (found.type, found.key, found.subject) == ("identity_missing", "identity/erp/sku", "connection/erp")
    assert found.occurrences == len(NAMES)
    assert "30 items of ours have no counterpart on erp (30 intents wait)" in found.detail
    assert all(name in found.detail for name in NAMES[:20])
    assert found.detail.endswith("and 10 more")
    assert len(await hub.facts(ExceptionOpened)) == 1


async def test_what_is_matched_goes_by_itself_and_the_rest_stays_listed(hub: World) -> None:
    await count(hub, "A", "B", "C")
    await link(hub, A="1", B="2")

    async with sending(hub, IntentState.PARKED, IntentState.LANDED):
        assert await heal(hub.hub)

    landed = {each.reference for each in await intents(hub.database) if each.state is IntentState.LANDED}
    assert landed == {"C-A", "C-B"}
    found = await only(hub)
    assert found.detail == "1 items of ours have no counterpart on erp (1 intents wait): C"
    assert not await heal(hub.hub), "nothing else is known"


async def test_the_exception_ends_when_the_last_one_is_matched(hub: World) -> None:
    await count(hub, "A", "B")
    await link(hub, A="1", B="2")

    async with sending(hub, IntentState.LANDED):
        await heal(hub.hub)

    assert await hub.exceptions() == []
    assert len(await hub.facts(ExceptionClosed)) == 1


async def test_matching_releases_at_once_what_it_pairs(hub: World) -> None:
    await count(hub, "A", "B")
    await tell(hub, ("1", "4711", DC))

    pairs = [Link(ours="A", theirs="1", how="hand"), Link(ours="T", theirs="4711", how="hand")]
    async with hub.database.transaction() as tx:
        conflicts, freed = await matching.link(tx, hub.hub, ERP, Kind.SKU, pairs=pairs, by=ada())

    assert (conflicts, len(freed.intents), freed.records) == ([], 1, 1)
    assert (await only(hub)).detail == "1 items of ours have no counterpart on erp (1 intents wait): B"
    await hub.work()
    assert await on_hand(hub, "T") == 1


async def test_records_of_unmatched_items_join_the_same_exception_and_are_applied_once_matched(hub: World) -> None:
    await count(hub, "A")
    await tell(hub, ("1", "4711", DC), ("2", "4712", DC), ("3", "4711", DC))

    found = await only(hub)
    assert found.detail == (
        "1 items of ours have no counterpart on erp (1 intents wait): A; "
        "2 items of erp have no counterpart here (3 records wait): 4711, 4712"
    )
    assert isinstance(await release(hub), NotPossible)

    await link(hub, T="4711")
    done = await release(hub)

    assert isinstance(done, Worked)
    assert "2 records were read" in done.did
    await hub.work()
    await hub.react()
    assert await on_hand(hub, "T") == 2
    assert "1 items of erp have no counterpart here (1 records wait): 4712" in (await only(hub)).detail


async def test_records_that_concern_nobody_are_dismissed_together_and_what_waits_of_ours_is_not(hub: World) -> None:
    await count(hub, "A")
    await tell(hub, ("1", "4711", DC))
    async with hub.database.transaction() as tx:
        assert isinstance(await casework.dismiss(tx, await only(hub), ada()), NotPossible)
    await link(hub, A="1")
    async with sending(hub, IntentState.LANDED):
        await heal(hub.hub)

    async with hub.database.transaction() as tx:
        assert isinstance(await casework.dismiss(tx, await only(hub), ada()), Worked)

    assert await hub.exceptions() == []
    await link(hub, T="4711")
    assert not await heal(hub.hub), "dismissed is dismissed"


async def test_a_cause_that_had_to_be_cut_is_still_released_by_its_match(hub: World) -> None:
    sku = "X" * 60
    await count(hub, sku)
    await link(hub, **{sku: "1"})

    async with sending(hub, IntentState.LANDED):
        assert await heal(hub.hub)

    assert await hub.exceptions() == []


async def test_a_store_that_nobody_knows_is_one_exception_and_the_estate_that_knows_it_reads_all_its_records(
    hub: World,
) -> None:
    await link(hub, T="4711")
    await tell(hub, ("1", "4711", "S99"), ("2", "4711", "S99"))
    await tell(hub, ("3", "4711", "S99"), ("4", "4711", "S98"))

    assert {(each.type, each.subject, each.occurrences) for each in await hub.exceptions()} == {
        ("store_unknown", "store/S99", 3),
        ("store_unknown", "store/S98", 1),
    }

    store = Location(code="S99", name="New", kind=LocationKind.STORE)
    await hub.apply_estate(msgspec.structs.replace(RETAILER, locations=(*RETAILER.locations, store)))
    assert await heal(hub.hub)
    await hub.work()
    await hub.react()

    assert await on_hand(hub, "T") == 3
    assert [each.subject for each in await hub.exceptions()] == ["store/S98"]


async def refuse(hub: World, table: LiteralString, when: LiteralString) -> None:
    """A table that will not have one row, for a reason that nobody has thought of."""
    function: LiteralString = (
        "CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF "
        + when
        + " THEN RAISE EXCEPTION 'no such thing'; END IF; RETURN NEW; END $$"
    )
    trigger: LiteralString = "CREATE TRIGGER refuse BEFORE UPDATE ON " + table
    async with hub.database.transaction() as tx:
        await execute(tx, function)
        await execute(tx, trigger + " FOR EACH ROW EXECUTE FUNCTION public.refuse()")


async def test_a_record_that_cannot_be_kept_when_it_is_read_again_keeps_no_other_from_it(hub: World) -> None:
    await tell(hub, ("1", "4710", DC), ("2", "4711", DC), ("3", "4712", DC))
    await link(hub, CUP="4710", BAD="4711", MUG="4712")
    await refuse(hub, "inbound.record", "starts_with(NEW.key, 'stock/BAD')")

    assert await heal(hub.hub)
    assert not await heal(hub.hub), "it is not tried for ever"
    await hub.work()
    await hub.react()

    assert [await on_hand(hub, sku) for sku in ("CUP", "BAD", "MUG")] == [1, 0, 1]
    assert "cannot be stored: RaiseException: no such thing" in (await only(hub)).detail


async def test_what_keeps_the_groups_from_being_told_anew_does_not_stop_what_is_matched(hub: World) -> None:
    """It is raised all the same: the loop tells people."""
    await tell(hub, ("1", "4711", DC))
    await link(hub, T="4711")
    await refuse(hub, "operations.exception", "true")

    with pytest.raises(psycopg.errors.RaiseException):
        await heal(hub.hub)

    await hub.work()
    assert await on_hand(hub, "T") == 1
