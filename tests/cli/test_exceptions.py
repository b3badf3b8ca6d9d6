"""What needs a person, worked off from the command line."""

import json
from pathlib import Path

import pytest

from cli.conftest import Desk

LINE = {"id": "1", "sku": "A", "quantity": 2, "price": "12.00"}
ORDER = {"id": "1042", "at": "2026-11-27T09:00:00Z", "total": "24.00", "lines": [LINE]}
BROKEN = {**ORDER, "lines": [{**LINE, "quantity": "two"}]}


def opened(desk: Desk, kind: str) -> dict[str, object]:
    """The one exception of a type, once the workers have opened it."""
    said = desk.work(
        "exceptions", "list", "--type", kind, "--json", until=lambda said: said.out.strip() not in {"", "[]"}
    )
    assert isinstance(said.json, list)
    (row,) = said.json
    assert isinstance(row, dict)
    return row


@pytest.fixture
def quarantined(connected: Desk) -> dict[str, object]:
    connected.receive(BROKEN)
    return opened(connected, "message_unreadable")


def test_an_unreadable_message_has_owner_clock_and_the_exact_field(
    connected: Desk, quarantined: dict[str, object]
) -> None:
    assert (quarantined["owner"], quarantined["path"]) == ("integration", "$.lines[0].quantity")
    assert connected.run("exceptions", "list").code == 1
    assert connected.run("exceptions", "list", "--owner", "nobody").code == 0

    shown = connected.run("exceptions", "show", str(quarantined["id"]))

    assert shown.code == 0
    for text in (
        'wanted number, got "two"',
        '"quantity": "two"',
        "exceptions release",
        "exceptions dismiss",
        "in 29 min",
    ):
        assert text in shown.out


def test_releasing_without_a_fix_says_what_is_still_wrong_and_keeps_it_open(
    connected: Desk, quarantined: dict[str, object]
) -> None:
    said = connected.run("exceptions", "release", str(quarantined["id"]))

    assert said.code == 1
    assert said.out == 'Still wrong at $.lines[0].quantity: wanted number, got "two"\n'
    assert len(connected.rows("exceptions", "list")) == 1


def test_a_corrected_body_becomes_the_order_and_the_message_stays_as_it_came(
    connected: Desk, quarantined: dict[str, object], tmp_path: Path
) -> None:
    body = tmp_path / "corrected.json"
    body.write_text(json.dumps(ORDER))

    said = connected.run("exceptions", "release", str(quarantined["id"])[:13], "--body", str(body), "--reason", "typo")

    assert said.out == "Done: 1 records were read and will be applied.\n"
    assert [row["type"] for row in connected.rows("exceptions", "list")] == []
    (closed,) = connected.rows("exceptions", "list", "--all", "--type", "message_unreadable")
    assert str(closed["resolution"]).endswith("(ada: typo)")
    traced = connected.work("order", "trace", "1042", "--json", until=lambda said: said.code == 0)
    assert isinstance(traced.json, dict)
    assert traced.json["number"] == "#1042"


def test_a_dismissed_message_has_no_effect_even_when_it_comes_again(
    connected: Desk, quarantined: dict[str, object]
) -> None:
    said = connected.run("exceptions", "dismiss", str(quarantined["id"]), "--reason", "a test order")

    assert said.out == "Done: the record has no effect.\n"
    assert connected.run("exceptions", "list").code == 0
    assert connected.run("exceptions", "release", str(quarantined["id"])).out.startswith("Not done: it is closed:")


def test_an_unknown_exception_is_one_sentence(connected: Desk) -> None:
    said = connected.run("exceptions", "show", "019a")

    assert said.code == 2
    assert said.err == 'There is no exception "019a": see `crossdock exceptions list --all`.\n'


def test_an_unknown_item_holds_the_order_and_describing_it_lets_it_go_by_itself(connected: Desk) -> None:
    connected.receive(ORDER)
    held = opened(connected, "order_unknown_sku")

    assert (str(held["amount"]).rstrip("0").rstrip("."), held["currency"]) == ("24", "EUR")
    assert (held["label"], held["subject"]) == ("order #1042 of web", f"order/{str(held['key']).split('/')[1]}")
    assert "order #1042 of web" in connected.run("exceptions", "list").out
    shown = connected.run("exceptions", "show", str(held["id"])).out
    assert "#1042 of web: held" in shown
    traced = connected.run("order", "trace", "1042", "--json").json
    assert isinstance(traced, dict)
    assert [(wait["whom"], wait["exception"]) for wait in traced["waits"]] == [("operations", held["id"])]
    assert "exception opened" in [step["what"] for step in traced["steps"]]

    connected.theirs("items-0", {"records": [{"sku": "A", "name": "Milk", "barcodes": []}]})
    assert connected.run("load", "corner", "items").code == 0
    connected.work("exceptions", "list", "--type", "order_unknown_sku", until=lambda said: said.code == 0)
