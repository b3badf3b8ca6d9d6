"""Goods under way, as people in stock rooms type them."""

import json

from cli.conftest import Desk

COMPANY = """\
  - code: S1
    name: Store
    kind: store
"""


def with_store(desk: Desk) -> Desk:
    file = desk.estate / "retailer.yaml"
    file.write_text(file.read_text().replace("channels:", f"{COMPANY}channels:"))
    assert desk.run("estate", "apply", str(desk.estate)).code == 0
    return desk


def test_a_transfer_takes_its_way(desk: Desk) -> None:
    with_store(desk)

    made = desk.run("transfer", "make", "T-1", "DC1", "S1", "--line", "TEA=6", "--json")
    assert made.code == 0, made
    for words in (
        ("ready", "T-1"),
        ("ship", "T-1", "--line", "TEA=5"),
        ("receive", "T-1", "first", "--line", "TEA=4"),
        ("close", "T-1", "--reason", "lost"),
    ):
        said = desk.run("transfer", *words)
        assert said.code == 0, said
    (row,) = desk.rows("transfer", "list")
    assert (row["state"], row["under_way"]) == ("discrepancy", "0")
    assert desk.run("transfer", "settle", "T-1", "--reason", "counted").code == 0
    assert desk.rows("transfer", "list") == []
    assert "settled" in desk.run("transfer", "show", "T-1").out


def test_what_is_typed_wrong_is_one_sentence(desk: Desk) -> None:
    with_store(desk)

    for words, sentence in (
        (("transfer", "make", "T-1", "DC1", "S9", "--line", "TEA=6"), 'There is no location "S9"'),
        (("transfer", "make", "T-1", "DC1", "S1", "--line", "TEA"), "write SKU=QUANTITY"),
        (("transfer", "make", "T-1", "DC1", "DC1", "--line", "TEA=1"), "`target` must differ from `source`"),
        (("transfer", "ship", "T-9"), 'There is no transfer "T-9"'),
        (("expected", "show", "PO-9"), 'Nobody has told of a document "PO-9"'),
        (("expected", "receive", "PO-9", "1", "S9", "--line", "TEA=1"), 'There is no location "S9"'),
    ):
        said = desk.run(*words)
        assert (said.code, sentence in said.err) == (2, True), said


def test_a_suppliers_document_is_announced_taken_in_and_given_up(desk: Desk) -> None:
    with_store(desk)
    file = desk.home.parent / "po.json"
    document = {
        "document": "receipt_expected",
        "reference": "PO-1",
        "location": "DC1",
        "revised_at": "2026-11-20T09:00:00Z",
        "lines": [{"sku": "TEA", "quantity": "10", "due_at": "2026-12-01T00:00:00Z"}],
    }
    file.write_text(json.dumps(document))

    assert "10 units are expected" in desk.run("expected", "announce", str(file)).out
    assert "nothing new" in desk.run("expected", "announce", str(file)).out
    for words in (("--line", "TEA=4"), ("--line", "TEA=4")):
        assert desk.run("expected", "receive", "PO-1", "first", "DC1", *words).code == 0
    (row,) = desk.rows("expected", "list")
    assert (row["ordered"], row["received"], row["open"]) == ("10", "4", "6")
    assert "6 units are not expected any more" in desk.run("expected", "close", "PO-1").out
    assert desk.rows("expected", "list") == []
    assert "PO-1" in desk.run("expected", "show", "PO-1").out


def test_what_people_counted_is_what_is_there(desk: Desk) -> None:
    with_store(desk)
    words = ("stock", "count", "S1", "C-1", "--line", "TEA=6", "--line", "JAM=0", "--at", "2026-11-20T18:00:00Z")

    first = desk.rows(*words)
    again = desk.rows(*words)
    shown = desk.run("stock", "count", "S1", "C-2", "--line", "TEA=4")
    late = desk.run("stock", "count", "S1", "C-3", "--line", "TEA=9", "--at", "2026-11-19T18:00:00Z")

    assert [(row["item"], row["outcome"], row["difference"]) for row in first] == [
        ("TEA", "corrected", "6"),
        ("JAM", "as in the books", None),
    ]
    assert {row["outcome"] for row in again} == {"recorded before"}
    assert (shown.code, "-2" in shown.out) == (0, True)
    assert (late.code, "outdated" in late.out) == (1, True)
    assert [row["on_hand"] for row in desk.rows("stock", "ledger", "TEA")] == ["4", "6"]
    for wrong, sentence in (
        (("S9", "C-4", "--line", "TEA=1"), 'There is no location "S9"'),
        (("S1", "C-1", "--line", "TEA=7"), '"C-1" stands for another count'),
        (("S1", "C 4", "--line", "TEA=1"), "is no number of a count"),
        (("S1", "C-4", "--line", "TEA=-1"), "write SKU=QUANTITY"),
    ):
        said = desk.run("stock", "count", *wrong)
        assert (said.code, sentence in said.err) == (2, True), said
