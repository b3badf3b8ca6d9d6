"""People found, shown what is kept about them, and forgotten, from the command line."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from cli.conftest import Desk
from crossdock.assembly.hub import Hub
from crossdock.canonical.base import ChannelCode, ConnectionName
from crossdock.canonical.orders import Address, OrderLine, OrderPlaced, Person
from crossdock.eventlog.service import Origin
from crossdock.foundation.ids import new_id
from crossdock.foundation.postgres import ConnectionInfo
from crossdock.foundation.vault import MASTER_KEY_FILE
from crossdock.inbound import service as inbound
from crossdock.inbound.model import About, MessageId, NewMessage, Route
from crossdock.orders import service as orders
from crossdock.orders.service import Acceptance

SHOP = ConnectionName("api.web")
ANN = Person(channel_customer_id="c-77", name="Ann Quibberton", email="ann@quibberton.example", phone="+49 731 123456")


def bought(desk: Desk, number: str, person: Person = ANN) -> str:
    """An order comes in, with the message that told it; its id."""
    placed = OrderPlaced(
        channel=ChannelCode("web"),
        channel_order_id=number,
        placed_at=datetime(2026, 11, 20, 12, tzinfo=UTC),
        currency="EUR",
        lines=(OrderLine(line_id="1", sku="TEA", quantity=Decimal(1), unit_price=Decimal("4.50"), name="Tea"),),
        total=Decimal("4.50"),
        customer=person,
        ship_to=Address(name=person.name, lines=("Wunderlichgasse 17",), city="Ulm"),
    )

    async def take_in(parts: Hub) -> str:
        message = MessageId(new_id())
        raw = NewMessage(
            connection=SHOP,
            route=Route.UPLOAD,
            feed="/v1/orders",
            body=f"{person.name}, Wunderlichgasse 17".encode(),
            about=[About.order(SHOP, placed)],
        )
        async with parts.database.transaction() as tx:
            await inbound.put(tx, parts.vault, [message], [raw], now=parts.clock.now(), queued=False)
            origin = Origin(correlation_id=new_id(), source="test", causation_id=message)
            (outcome,) = await orders.accept_many(
                tx, parts.vault, [Acceptance(placed, SHOP, origin)], now=parts.clock.now()
            )
        return str(outcome.order_id)

    return desk.hub(take_in)


def finish(desk: Desk) -> None:
    """Every order is done."""

    async def end(parts: Hub) -> None:
        async with parts.database.transaction() as tx:
            await tx.execute("UPDATE orders.header SET completed_at = now()")

    desk.hub(end)


def the_one(desk: Desk, text: str) -> str:
    (row,) = desk.rows("customer", "find", text)
    return str(row["customer"])


@pytest.mark.parametrize("text", ["ANN@quibberton.example", "ann quibb", "0731 123456", "c-77", "W-1"])
def test_a_person_is_found_by_whatever_they_are_asked_for_by(connected: Desk, text: str) -> None:
    bought(connected, "W-1")
    bought(connected, "W-2", Person(channel_customer_id="c-78", name="Bob Other", email="bob@other.example"))

    (row,) = connected.rows("customer", "find", text)

    assert (row["name"], row["orders"], row["messages"]) == (ANN.name, 1, 1)


def test_nobody_found_is_a_finding(connected: Desk) -> None:
    said = connected.run("customer", "find", "nobody@example.org")

    assert said.code == 1
    assert said.out == "Nobody is known by that, or who was is erased.\n"


def test_what_is_kept_is_handed_out_whole_into_a_file_of_ones_own(connected: Desk, tmp_path: Path) -> None:
    order_id = bought(connected, "W-1")
    file = tmp_path / "ann.json"

    said = connected.run("customer", "export", the_one(connected, "c-77"), "--file", str(file))

    assert said.code == 0
    assert file.stat().st_mode & 0o777 == 0o600
    kept = json.loads(file.read_text())
    assert kept["contacts"][0]["said"]["person"]["email"] == ANN.email
    assert [order["order_id"] for order in kept["orders"]] == [order_id]
    assert "Wunderlichgasse" in kept["messages"][0]["body"]
    again = connected.run("customer", "export", "api.web/c-77", "--file", str(file))
    assert again.code == 2
    assert "name a new file" in again.err


def test_erasing_waits_for_open_orders_unless_told_otherwise(connected: Desk) -> None:
    order_id = bought(connected, "W-1")
    person = the_one(connected, "W-1")

    said = connected.run("customer", "erase", person, "--request", "DSR-17")

    assert said.code == 1
    assert f"crossdock order trace {order_id}" in said.out
    assert connected.run("customer", "erase", person, "--request", "DSR-17", "--anyway").code == 0
    assert connected.run("customer", "find", "c-77").code == 1


def test_after_an_erasure_the_order_stays_and_its_message_says_why_it_is_empty(connected: Desk) -> None:
    bought(connected, "W-1")
    finish(connected)
    person = the_one(connected, "c-77")

    said = connected.run("customer", "erase", person, "--request", "DSR-17", "--json")

    assert said.code == 0
    told = said.json
    assert isinstance(told, dict)
    assert (told["outcome"], told["contacts"], told["orders"], told["messages"]) == ("erased", 1, 1, 1)
    assert connected.run("customer", "erase", person, "--request", "DSR-17", "--json").json == {
        "outcome": "erased_before",
        "at": told["at"],
    }
    trace = connected.run("order", "trace", "W-1").out
    assert "message erased" in trace
    assert "DSR-17" in trace
    with psycopg.connect(connected.dsn) as session:
        ((message,),) = session.execute("SELECT id::text FROM inbound.message").fetchall()
    shown = connected.run("messages", "show", message)
    assert "at the request of DSR-17" in shown.out
    assert "Wunderlichgasse" not in shown.out
    raw = connected.run("messages", "show", message, "--raw")
    assert raw.code == 2
    assert "DSR-17" in raw.err


def test_a_stranger_is_no_customer(connected: Desk) -> None:
    for words in (("export", str(new_id())), ("erase", str(new_id()), "--request", "x"), ("export", "nonsense")):
        assert connected.run("customer", *words).code == 2
    assert connected.run("customer", "erase", "api.web/c-1", "--request", " ").code == 2


@pytest.fixture
def empty(cluster: ConnectionInfo) -> str:
    """A database with nothing in it."""
    with psycopg.connect(cluster.admin_dsn, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS spare WITH (FORCE)"))
        admin.execute(sql.SQL("CREATE DATABASE spare OWNER crossdock"))
    return make_conninfo(cluster.dsn, dbname="spare")


def test_a_restored_hub_reads_what_was_sealed(
    connected: Desk, tmp_path: Path, empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bought(connected, "W-1")
    file = tmp_path / "hub.backup"
    assert connected.run("backup", str(file)).code == 0
    assert b"quibberton" not in file.read_bytes().lower()

    monkeypatch.setenv("CROSSDOCK_DATABASE_URL", empty)
    assert connected.run("restore", str(file)).code == 0

    kept = connected.run("customer", "export", "api.web/c-77").json
    assert isinstance(kept, dict)
    assert kept["contacts"][0]["said"]["person"]["name"] == ANN.name
    assert "Wunderlichgasse" in kept["messages"][0]["body"]


def test_a_restore_does_not_bring_back_whoever_was_erased_since_the_backup(
    connected: Desk, tmp_path: Path, empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bought(connected, "W-1")
    bought(connected, "W-2", Person(channel_customer_id="c-78", name="Bob Other", email="bob@other.example"))
    finish(connected)
    file = tmp_path / "hub.backup"
    assert connected.run("backup", str(file)).code == 0
    assert connected.run("customer", "erase", "api.web/c-77", "--request", "DSR-17").code == 0
    register = (connected.home / "erased.jsonl").read_text().casefold()
    assert "quibberton" not in register

    monkeypatch.setenv("CROSSDOCK_DATABASE_URL", empty)
    restored = connected.run("restore", str(file))

    assert "1 people who were erased" in restored.out
    assert connected.run("customer", "find", "c-77").code == 1
    assert len(connected.rows("customer", "find", "c-78")) == 1
    assert "DSR-17" in connected.run("order", "trace", "W-1").out


def test_a_hub_with_another_master_key_says_so_in_one_sentence(connected: Desk) -> None:
    bought(connected, "W-1")
    key = connected.home / MASTER_KEY_FILE
    key.rename(key.with_name("kept.key"))

    said = connected.run("customer", "find", "c-77")

    assert said.code == 2
    assert "sealed with another key" in said.err
    assert "Traceback" not in said.err


def test_matching_looks_at_other_systems_customers_and_keeps_no_names(connected: Desk) -> None:
    connected.theirs("customer", [{"id": "7", "code": "C7", "name": ANN.name}])

    connected.run("match", "corner", "customer")

    with psycopg.connect(connected.dsn) as session:
        assert session.execute("SELECT id, code, name FROM crossref.theirs").fetchall() == [("7", "C7", "")]
