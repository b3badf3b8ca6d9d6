"""First loads and matching, as somebody does them on the first day."""

from cli.conftest import Desk

ITEMS = [
    {"sku": "A", "name": "Milk", "barcodes": ["4006381333931"]},
    {"sku": "B", "name": "Bread", "barcodes": []},
    {"sku": "C", "name": "Butter", "barcodes": []},
]


def with_items(desk: Desk) -> Desk:
    desk.theirs("items-0", {"records": ITEMS[:2]})
    desk.theirs("items-1", {"records": ITEMS[2:]})
    said = desk.run("load", "corner", "items")
    assert said.code == 0, said
    return desk


def test_a_load_reads_every_page_and_sees_each_record_through_to_its_effect(connected: Desk) -> None:
    connected.theirs("items-0", {"records": ITEMS[:2]})
    connected.theirs("items-1", {"records": ITEMS[2:]})

    (row,) = connected.rows("load", "corner", "items")

    assert (row["pages"], row["applied"], row["set_aside"], row["on_their_way"]) == (2, 3, 0, 0)


def test_a_finished_load_is_not_repeated_unless_asked_and_again_changes_only_what_changed(connected: Desk) -> None:
    with_items(connected)

    skipped = connected.run("load", "corner", "items")
    connected.theirs("items-1", {"records": [{"sku": "C", "name": "Salted butter", "barcodes": []}]})
    (row,) = connected.rows("load", "corner", "items", "--again")

    assert skipped.code == 0
    assert skipped.out.startswith("items: loaded ")
    assert (row["applied"], row["repeated"]) == (1, 2)


def test_an_interrupted_load_goes_on_where_it_stopped(connected: Desk) -> None:
    connected.theirs("items-0", {"records": ITEMS[:2], "more": True})

    interrupted = connected.run("load", "corner", "items")
    connected.theirs("items-1", {"records": ITEMS[2:]})
    (row,) = connected.rows("load", "corner", "items")

    assert interrupted.code == 2
    assert "corner did not do it: items-1.json is not there." in interrupted.err
    assert row["pages"] == 1


def test_an_unreadable_record_does_not_stop_its_neighbours_and_is_a_finding(connected: Desk) -> None:
    connected.theirs("items-0", {"records": [ITEMS[0], {"sku": "B", "name": 7}, ITEMS[2]]})

    said = connected.run("load", "corner", "items", "--json")

    assert said.code == 1
    assert isinstance(said.json, list)
    assert (said.json[0]["applied"], said.json[0]["set_aside"]) == (2, 1)


def test_an_unknown_load_names_those_there_are(connected: Desk) -> None:
    said = connected.run("load", "corner", "customers")

    assert said.code == 2
    assert said.err == 'Corner Books has no load "customers" (it has: items, stock).\n'


def test_a_report_says_what_would_be_linked_and_links_nothing(connected: Desk) -> None:
    with_items(connected)
    connected.theirs("sku", [{"id": "1", "code": "a"}, {"id": "2", "code": "x", "name": "bread"}, {"id": "9"}])
    connected.theirs("location", [{"id": "w", "code": "DC1"}])

    said = connected.run("match", "corner", "--json")

    assert said.code == 1
    assert isinstance(said.json, list)
    items, places = said.json
    assert [(each["ours"], each["theirs"], each["how"]) for each in items["links"]] == [
        ("A", "1", "rule:code"),
        ("B", "2", "rule:name"),
    ]
    assert [each["code"] for each in items["unmatched_ours"]] == ["C"]
    assert [each["id"] for each in items["unmatched_theirs"]] == ["9"]
    assert places["complete"] is True
    again = connected.run("match", "corner", "sku", "--json").json
    assert isinstance(again, list)
    assert again[0]["linked_before"] == 0


def test_applied_links_stay_and_the_rest_is_linked_by_hand(connected: Desk) -> None:
    with_items(connected)
    connected.theirs("sku", [{"id": "1", "code": "a"}, {"id": "2", "code": "B"}, {"id": "9", "code": "unclear"}])

    assert connected.run("match", "corner", "sku", "--apply").code == 1
    linked = connected.run("match", "corner", "sku", "--link", "C=9")
    complete = connected.run("match", "corner", "sku")

    assert linked.out == "sku C is 9 on corner.\n"
    assert complete.code == 0
    assert "3 linked before" in complete.out


def test_a_pair_by_hand_cannot_take_somebody_elses_partner(connected: Desk) -> None:
    with_items(connected)
    connected.run("match", "corner", "sku", "--link", "A=1")

    taken = connected.run("match", "corner", "sku", "--link", "B=1")
    stranger = connected.run("match", "corner", "sku", "--link", "Z=2")
    freed = connected.run("match", "corner", "sku", "--unlink", "A")
    again = connected.run("match", "corner", "sku", "--unlink", "A")

    assert (taken.code, stranger.code, freed.code, again.code) == (1, 2, 0, 1)
    assert "--unlink it first" in taken.out
    assert stranger.err == 'We have no sku "Z".\n'
    assert connected.run("match", "corner", "--link", "A=1").code == 2


def test_a_counterpart_that_vanished_is_a_finding(connected: Desk) -> None:
    with_items(connected)
    connected.theirs("sku", [{"id": "1", "code": "a"}, {"id": "2", "code": "b"}, {"id": "3", "code": "c"}])
    assert connected.run("match", "corner", "sku", "--apply").code == 0
    connected.theirs("sku", [{"id": "1", "code": "a"}, {"id": "2", "code": "b"}])

    said = connected.run("match", "corner", "sku")

    assert said.code == 1
    assert "linked, but not there any more" in said.out


def test_stock_is_not_loaded_before_anything_is_matched(connected: Desk) -> None:
    with_items(connected)
    connected.theirs("stock-0", {"records": [{"item": "1", "units": 5}]})

    said = connected.run("load", "corner", "stock")

    assert said.code == 2
    assert said.err == "Stock needs to know who is who: run `crossdock match corner --apply` first.\n"


def test_opening_stock_is_read_once_everything_is_matched(connected: Desk) -> None:
    with_items(connected)
    connected.theirs("sku", [{"id": "1", "code": "A"}, {"id": "2", "code": "B"}, {"id": "3", "code": "C"}])
    connected.theirs("location", [{"id": "w", "code": "DC1"}])
    connected.theirs("stock-0", {"records": [{"item": "1", "units": 5}, {"item": "2", "units": 0}]})
    assert connected.run("match", "corner", "--apply").code == 0

    (row,) = connected.rows("load", "corner", "stock")

    assert (row["applied"], row["set_aside"]) == (2, 0)
