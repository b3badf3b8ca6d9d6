"""What other systems could not take in, released from the command line once its cause is gone."""

import pytest

from cli.conftest import Desk, Said

LINE = {"id": "1", "sku": "A", "quantity": 2, "price": "12.00"}


def order(number: int) -> dict[str, object]:
    return {"id": str(number), "at": "2026-11-20T09:00:00Z", "total": "24.00", "lines": [LINE]}


@pytest.fixture
def trading(connected: Desk) -> Desk:
    """An item that is there, not yet matched with the other side's."""
    connected.theirs("items-0", {"records": [{"sku": "A", "name": "Milk"}]})
    connected.theirs("sku", [{"id": "1", "code": "A"}])
    connected.theirs("location", [{"id": "w", "code": "DC1"}])
    connected.theirs("stock-0", {"records": [{"item": "1", "units": 50}]})
    connected.run("load", "corner", "items")
    connected.run("match", "corner", "--apply")
    said = connected.run("load", "corner", "stock")
    assert said.code == 0, said
    return connected


def some(said: Said) -> bool:
    return said.out.strip() not in {"", "[]"}


def opened(desk: Desk, kind: str) -> dict[str, object]:
    (row,) = _listed(desk.work("exceptions", "list", "--type", kind, "--json", until=some))
    return row


def _listed(said: Said) -> list[dict[str, object]]:
    assert isinstance(said.json, list)
    return said.json


def states(desk: Desk) -> list[str]:
    return sorted(str(row["state"]) for row in desk.rows("intents", "list"))


def test_one_cause_is_one_exception_with_all_the_money_and_matching_releases_everything(trading: Desk) -> None:
    trading.run("match", "corner", "sku", "--unlink", "A")
    trading.receive(order(1), order(2))
    trading.work("intents", "list", "--state", "parked", "--json", until=lambda said: len(_listed(said)) == 2)
    parked = trading.work(
        "exceptions", "list", "--json", until=lambda said: [row["occurrences"] for row in _listed(said)] == [2]
    )
    (row,) = _listed(parked)

    shown = trading.run("exceptions", "show", str(row["id"])).out
    (cause,) = trading.rows("intents", "causes")
    matched = trading.run("match", "corner", "sku", "--apply")

    assert (row["type"], row["path"], str(row["amount"]).rstrip("0").rstrip(".")) == (
        "identity_missing",
        "sku",
        "48",
    )
    assert row["detail"] == "1 items of ours have no counterpart on corner (2 intents wait): A"
    assert "unmapped" in shown
    assert (cause["cause"], cause["intents"]) == ("identity:sku:A", 2)
    assert "2 intents that waited for this are on their way again." in matched.out
    assert trading.run("exceptions", "list").code == 0
    trading.work("intents", "list", "--state", "landed", "--json", until=lambda said: len(_listed(said)) == 2)


def test_an_estate_that_has_the_missing_lookup_releases_its_group_by_itself(trading: Desk) -> None:
    (trading.other_side / "taxed").touch()
    trading.receive(order(1))
    row = opened(trading, "intent_parked")
    file = trading.estate / "connections-corner.yaml"
    file.write_text(file.read_text().replace("tax: {}", "tax: {standard: VAT20}"))
    said = trading.work("estate", "apply", until=lambda said: "intents that waited" in said.out)

    assert said.out.endswith("Of 1 intents that waited for its lookups: 1 landed.\n")
    assert row["path"] == "lookup:tax:standard"
    trading.work("intents", "list", "--state", "landed", "--json", until=lambda said: len(_listed(said)) == 1)
    trading.work("exceptions", "list", until=lambda said: said.code == 0)
    (closed,) = trading.rows("exceptions", "list", "--all", "--type", "intent_parked")
    assert closed["resolution"] == "no intent waits for this cause any more"


def test_a_release_without_a_fix_parks_again_and_says_so(trading: Desk) -> None:
    (trading.other_side / "taxed").touch()
    trading.receive(order(1))
    row = opened(trading, "intent_parked")

    said = trading.work("exceptions", "release", str(row["id"]), until=lambda said: bool(said.out))

    assert said.code == 1
    assert said.out == "Done: 1 intents are on their way again.\nNow: 1 parked.\n"
    again = opened(trading, "intent_parked")
    assert again["id"] != row["id"]


def test_parked_work_cannot_be_dismissed_behind_its_back(trading: Desk) -> None:
    (trading.other_side / "taxed").touch()
    trading.receive(order(1))
    row = opened(trading, "intent_parked")

    said = trading.run("exceptions", "dismiss", str(row["id"]), "--reason", "never mind")
    traced = trading.run("order", "trace", "1", "--json").json

    assert isinstance(traced, dict)
    assert row["id"] in [wait["exception"] for wait in traced["waits"]]
    assert said.code == 1
    assert "release or withdraw them" in said.out
    (intent,) = trading.rows("intents", "list", "--state", "parked")
    assert trading.run("intents", "withdraw", str(intent["id"]), "--reason", "never mind").code == 0
    assert trading.run("exceptions", "dismiss", str(row["id"]), "--reason", "withdrawn").code == 0


def test_a_refused_document_is_sent_again_after_the_fix_over_there(trading: Desk) -> None:
    (trading.other_side / "refuse").touch()
    trading.receive(order(1))
    row = opened(trading, "intent_refused")
    (trading.other_side / "refuse").unlink()

    said = trading.work("exceptions", "release", str(row["id"]), until=lambda said: bool(said.out))

    assert (row["path"], row["amount"] is not None) == ("$.placed_at", True)
    assert said.out == "Done: the intent is on its way again.\nNow: 1 landed.\n"


def test_a_refused_intent_may_be_withdrawn_instead(trading: Desk) -> None:
    (trading.other_side / "refuse").touch()
    trading.receive(order(1))
    row = opened(trading, "intent_refused")

    said = trading.run("exceptions", "dismiss", str(row["id"]), "--reason", "entered by hand")

    assert said.out == "Done: the intent is withdrawn.\n"
    assert states(trading) == ["withdrawn"]


def test_a_document_made_by_hand_over_there_is_told_to_the_hub(trading: Desk) -> None:
    (trading.other_side / "refuse").touch()
    trading.receive(order(1))
    opened(trading, "intent_refused")
    (intent,) = trading.rows("intents", "list")

    said = trading.run(
        "intents", "resolve", str(intent["id"]), "D-77", "--number", "SO-77", "--reason", "made it myself"
    )

    assert said.out == "The intent is landed now.\n"
    trading.work("exceptions", "list", until=lambda said: said.code == 0)
    assert trading.run("order", "trace", "SO-77").code == 0
    assert trading.run("intents", "absent", str(intent["id"]), "--reason", "it is not").code == 1


def test_a_connection_that_refuses_our_password_is_used_again_once_it_is_corrected(trading: Desk) -> None:
    (trading.other_side / "password").write_text("changed")
    trading.receive(order(1))
    row = opened(trading, "connection_broken")
    (trading.other_side / "password").write_text("open sesame")

    said = trading.work("exceptions", "release", str(row["id"]), until=lambda said: bool(said.out))

    assert said.out.startswith("Done: corner is used again, 1 intents are on their way.")
    assert "1 landed" in said.out
    assert {row["state"] for row in trading.rows("connection", "list")} == {"working"}


def test_releasing_intents_needs_to_know_which(trading: Desk) -> None:
    assert trading.run("intents", "release").code == 2
    assert trading.run("intents", "release", "--cause", "nothing", "--connection", "corner").code == 1


def test_a_hold_whose_reason_still_stands_is_not_released_and_says_why(trading: Desk) -> None:
    trading.receive({**order(1), "lines": [{**LINE, "sku": "GONE"}]})
    row = opened(trading, "order_unknown_sku")

    said = trading.run("exceptions", "release", str(row["id"]), "--reason", "send it all the same")

    assert said.code == 1, said
    assert "no item GONE" in said.out + said.err
    assert "$.lines[0].sku" in said.out + said.err
    assert [each["id"] for each in trading.rows("exceptions", "list")] == [row["id"]]
