"""One order from the first message to the ERP's document, as the command line tells it."""

import json

import pytest

from cli.conftest import Desk, Said

LINE = {"id": "1", "sku": "A", "quantity": 2, "price": "12.00"}
ORDER = {"id": "1042", "at": "2026-11-20T09:00:00Z", "total": "24.00", "lines": [LINE]}


@pytest.fixture
def stocked(connected: Desk) -> Desk:
    """Two items, both matched, one of them there."""
    connected.theirs("items-0", {"records": [{"sku": "A", "name": "Milk"}, {"sku": "B", "name": "Bread"}]})
    connected.theirs("sku", [{"id": "1", "code": "A"}, {"id": "2", "code": "B"}])
    connected.theirs("location", [{"id": "w", "code": "DC1"}])
    connected.theirs("stock-0", {"records": [{"item": "1", "units": 5}]})
    for words in (("load", "corner", "items"), ("match", "corner", "--apply"), ("load", "corner", "stock")):
        said = connected.run(*words)
        assert said.code == 0, said
    return connected


def landed(said: Said) -> bool:
    return said.code == 0 and bool(json.loads(said.out)["documents"])


@pytest.fixture
def told(stocked: Desk) -> dict[str, object]:
    """The order's trace, once the other side has it; it was delivered twice."""
    stocked.receive(ORDER, ORDER)
    found = stocked.work("order", "trace", "1042", "--json", until=landed).json
    assert isinstance(found, dict)
    return found


def texts(told: dict[str, object], name: str) -> list[str]:
    steps = told["steps"]
    assert isinstance(steps, list)
    return [step[name] for step in steps]


def test_a_trace_tells_messages_facts_tries_and_documents_in_the_order_of_events(told: dict[str, object]) -> None:
    story = texts(told, "what")

    for earlier, later in (
        ("message received", "order.accepted"),
        ("order.accepted", "order.placed"),
        ("order.placed", "fulfilment.released"),
        ("order.placed", "intent made"),
        ("intent made", "sent, landed"),
        ("sent, landed", "intent.landed"),
    ):
        assert story.index(earlier) < story.index(later), story
    assert texts(told, "at") == sorted(texts(told, "at"))


def test_a_delivery_that_came_twice_shows_twice_and_made_one_order(stocked: Desk, told: dict[str, object]) -> None:
    received = [
        detail
        for what, detail in zip(texts(told, "what"), texts(told, "detail"), strict=True)
        if what == "message received"
    ]

    assert len(received) == 2
    assert sorted(detail.rsplit(", ", 1)[1] for detail in received) == ["applied", "repeated"]
    assert texts(told, "what").count("order.accepted") == 1
    assert len(list((stocked.other_side / "documents").iterdir())) == 1


def test_an_order_is_found_by_every_name_that_any_system_has_for_it(stocked: Desk, told: dict[str, object]) -> None:
    documents = told["documents"]
    assert isinstance(documents, list)
    order_id = str(told["order_id"])

    for name in (
        order_id,
        f"order/{order_id}",
        "#1042",
        "1042",
        documents[0]["document_id"],
        documents[0]["reference"],
    ):
        found = stocked.run("order", "trace", name, "--json").json
        assert isinstance(found, dict)
        assert found["order_id"] == order_id


def test_a_trace_says_who_waits_for_whom(stocked: Desk, told: dict[str, object]) -> None:
    waits = told["waits"]
    assert isinstance(waits, list)
    assert [wait["whom"] for wait in waits] == ["DC1"]

    shown = stocked.run("order", "trace", "1042").out

    assert "Order #1042 of web: released" in shown
    assert "ship of 2 units (released)" in shown


def test_an_unknown_order_is_one_sentence(stocked: Desk) -> None:
    said = stocked.run("order", "trace", "nobody")

    assert said.code == 2
    assert said.err == 'No order is called "nobody", here or in any connected system.\n'


def test_an_order_is_cancelled_by_the_line_and_then_whole_and_repeating_changes_nothing(
    stocked: Desk, told: dict[str, object]
) -> None:
    less = ("order", "cancel", "1042", "--reason", "one is enough", "--line", "1=1")

    assert stocked.run(*less).out == "1 of its units will not be shipped; the rest goes on.\n"
    assert stocked.run(*less).out == "That is cancelled already: nothing has changed.\n"
    beyond = stocked.run(*less[:-1], "1=3", "--json")
    assert (beyond.code, beyond.json) == (
        1,
        {
            "order_id": told["order_id"],
            "done": False,
            "text": "Nothing has changed: of line 1 not so many units are open or cancelled.",
        },
    )
    assert stocked.run(*less[:-1], "1=none").code == 2
    story = texts(stocked.run("order", "trace", "1042", "--json").json, "what")  # type: ignore[arg-type]  # one order
    assert (story.count("order.lines_cancelled"), story.count("fulfilment.reduced")) == (1, 1)

    whole = stocked.run("order", "cancel", "1042", "--reason", "changed her mind")
    assert (whole.code, whole.out) == (0, "Nothing of the order will be shipped.\n")


def test_intents_are_listed_shown_and_nothing_is_parked(stocked: Desk, told: dict[str, object]) -> None:
    (row,) = stocked.rows("intents", "list", "--subject", f"order/{told['order_id']}")

    assert (row["kind"], row["state"]) == ("sale.post", "landed")
    shown = stocked.run("intents", "show", str(row["id"]))
    assert f"D-{told['order_id']}" in shown.out
    assert stocked.run("intents", "causes").out == "Nothing is parked.\n"
    withdrawn = stocked.run("intents", "withdraw", str(row["id"]), "--reason", "customer changed her mind")
    assert withdrawn.out == "The intent is landed now.\n"
    assert [each["id"] for each in stocked.rows("intents", "list", "--outcome", "to_undo")] == [row["id"]]
    assert stocked.run("intents", "list", "--state", "flying").code == 2


def test_a_number_is_explained_term_by_term_and_the_ledger_says_what_moved_it(
    stocked: Desk, told: dict[str, object]
) -> None:
    del told  # its two units are claimed
    found = stocked.run("stock", "explain", "A", "--channel", "web", "--json").json

    assert isinstance(found, dict)
    answer = found["availability"]
    assert (answer["sellable"], answer["pool"]) == ("3", "3")
    (place,) = answer["locations"]
    assert [str(place[name]) for name in ("on_hand", "allocated", "available", "atp")] == ["5", "2", "3", "3"]
    assert "A on web by ship: 3 may be sold" in stocked.run("stock", "explain", "A", "--channel", "web").out
    assert "never_seen" in stocked.run("stock", "explain", "B", "--channel", "web").out
    kinds = [row["kind"] for row in stocked.rows("stock", "ledger", "A")]
    assert kinds == ["allocate", "count"]


def test_a_past_number_is_explained_as_it_was_known_then(stocked: Desk, told: dict[str, object]) -> None:
    ledger = stocked.rows("stock", "ledger", "A")
    before_the_claim = str(ledger[1]["recorded_at"])
    del told

    found = stocked.run("stock", "explain", "A", "--channel", "web", "--at", before_the_claim, "--json").json

    assert isinstance(found, dict)
    assert found["availability"]["sellable"] == "5"


def test_questions_about_what_does_not_exist_say_so(stocked: Desk) -> None:
    assert stocked.run("stock", "explain", "Z", "--channel", "web").err == (
        'There is no item "Z", and nothing of it ever moved.\n'
    )
    assert "there are: web" in stocked.run("stock", "explain", "A", "--channel", "phone").err
    assert stocked.run("stock", "ledger", "Z").out == "Nothing of Z ever moved.\n"


def test_messages_and_feeds_are_shown_as_they_came(stocked: Desk) -> None:
    (message,) = stocked.receive(b"not json at all \x1b[31m")
    listed = stocked.work("messages", "list", "--json", until=lambda said: said.code == 1).json

    assert isinstance(listed, list)
    assert (listed[0]["message"], listed[0]["state"], listed[0]["path"]) == (message, "quarantined", "$")
    shown = stocked.run("messages", "show", message)
    assert "not json at all" in shown.out
    assert "\x1b" not in shown.out
    assert {row["feed"] for row in stocked.rows("feeds") if row["finished"]} >= {"items", "stock"}
    assert stocked.run("messages", "show", "019a7c3e-0000-7000-8000-000000000000").code == 2


def test_a_number_is_a_tree_with_its_rules_and_what_set_it(stocked: Desk) -> None:
    said = stocked.run("stock", "explain", "A", "--channel", "web").out

    assert "pool 5 = locations 5 + incoming 0 - unplaced 0" in said
    assert "on hand 5, last by count of 5" in said
    assert "sellable 5 = physical + without goods" in said


def test_selling_is_stopped_and_resumed_in_the_same_words(stocked: Desk) -> None:
    stopped = stocked.run("stock", "stop", "A", "--channel", "web", "--reason", "recall", "--owner", "ops")

    assert stopped.code == 0
    assert [(row["sku"], row["channel"], row["owner"]) for row in stocked.rows("stock", "stops")] == [
        ("A", "web", "ops")
    ]
    said = stocked.run("stock", "explain", "A", "--channel", "web").out
    assert "0 may be sold" in said
    assert "stopped: A, web by ops" in said
    assert stocked.run("stock", "resume", "A").code == 1
    assert stocked.run("stock", "resume", "A", "--channel", "web").code == 0
    assert stocked.run("stock", "stops").out == "Nothing is stopped.\n"
    assert "5 may be sold" in stocked.run("stock", "explain", "A", "--channel", "web").out


def test_a_stop_of_nothing_or_of_what_does_not_exist_says_so(stocked: Desk) -> None:
    assert "needs an item, a category, a channel or a location" in stocked.run("stock", "stop").err
    assert 'There is no item "Z"' in stocked.run("stock", "stop", "Z").err
    assert 'There is no channel "moon"' in stocked.run("stock", "stop", "A", "--channel", "moon").err
    assert "must lie in the future" in stocked.run("stock", "stop", "A", "--until", "2020-01-01").err
