"""The estate and API keys from the command line."""

from pathlib import Path

import psycopg
import pytest

from cli.conftest import COMPANY, Desk


def test_a_typo_in_the_estate_is_told_with_file_and_line_and_nothing_is_applied(desk: Desk) -> None:
    (desk.estate / "retailer.yaml").write_text(COMPANY.replace("pool: [DC1]", "pool: [DC2]"))

    checked = desk.run("estate", "check")
    applied = desk.run("estate", "apply")

    assert checked.code == applied.code == 1
    assert 'retailer.yaml:12: there is no location or group "DC2"' in checked.out.splitlines()
    assert desk.run("estate", "versions").out == "No estate has been applied yet.\n"


def test_complaints_are_never_folded_and_come_as_json_too(desk: Desk) -> None:
    long = "x" * 300
    (desk.estate / "more.yaml").write_text(
        f"channels:\n  - code: {long[:40]}\n    name: a\n    currency: {long[:60]}\n"
    )

    lines = desk.run("estate", "check").out.splitlines()
    told = desk.run("estate", "check", "--json")

    assert len([line for line in lines if line.startswith("more.yaml")]) == len(lines)
    assert told.code == 1
    assert isinstance(told.json, dict)
    assert told.json["ok"] is False
    assert told.json["complaints"][0]["file"] == "more.yaml"


def test_applying_twice_changes_nothing_and_rolling_back_is_a_new_version(desk: Desk) -> None:
    assert desk.run("estate", "apply", "--note", "first").out.startswith("Version 1 is in force")
    assert desk.run("estate", "apply").out == "Nothing to change: version 1 says the same.\n"
    (desk.estate / "retailer.yaml").write_text(COMPANY.replace("Corner Shops", "Corner & Co"))
    assert desk.run("estate", "diff").out == "company.name: Corner Shops → Corner & Co\n"
    desk.run("estate", "apply")

    rolled = desk.run("estate", "rollback", "1")

    assert rolled.out == "Version 3 (the same as 1) is in force.\n"
    assert [row["version"] for row in desk.rows("estate", "versions")] == [3, 2, 1]
    assert desk.run("estate", "rollback", "9").code == 2


def test_rules_for_what_no_item_is_or_has_are_told_when_they_are_applied(desk: Desk) -> None:
    (desk.estate / "rules.yaml").write_text(
        "safety_stock:\n  - {sku: A-1, quantity: 2}\nchannel_buffers:\n  - {category: dairy, quantity: 2}\n"
    )

    said = desk.run("estate", "apply")

    assert said.code == 0
    assert said.out.splitlines()[1:] == [
        "Rules name what no item is or has yet, so they match nothing: item A-1, category dairy."
    ]


def test_owners_of_exceptions_that_do_not_exist_are_doubtful(desk: Desk) -> None:
    (desk.estate / "rules.yaml").write_text("ownership:\n  - {type: receipt_gaps, owner: finance}\n")

    said = desk.run("estate", "check")

    assert said.code == 0
    assert 'there is no exception of type "receipt_gaps"' in said.out


def test_an_estate_of_a_newer_release_is_one_sentence_and_applying_ones_files_is_the_way_back(desk: Desk) -> None:
    desk.run("estate", "apply")
    with psycopg.connect(desk.dsn) as session:
        session.execute("UPDATE estate.version SET document = document || '{\"moons\": []}'")

    told = desk.run("estate", "rollback", "1")
    seen = desk.run("doctor", "--offline")
    waiting = desk.run("estate", "diff")
    back = desk.run("estate", "apply")

    assert (told.code, len(told.err.splitlines())) == (2, 1)
    assert "Version 1 of the estate is not of this release" in told.err
    assert "Version 1 of the estate is not of this release" in seen.out
    assert waiting.out == "moons:  → nothing\n"
    assert (back.code, back.out) == (0, "Version 2 is in force (1 values changed).\n")


def test_a_missing_estate_folder_is_one_sentence_with_what_to_do(desk: Desk, tmp_path: Path) -> None:
    said = desk.run("estate", "check", str(tmp_path / "nowhere"))

    assert said.code == 2
    assert said.err.startswith("There is no estate folder")
    assert len(said.err.splitlines()) == 1


def test_a_key_is_shown_once_listed_by_name_and_gone_when_revoked(desk: Desk) -> None:
    made = desk.run("key", "create", "till 1", "--scope", "orders:write", "--scope", "orders:read", "--days", "30")

    assert made.code == 0
    assert made.out.startswith("cdk_")
    (row,) = desk.rows("key", "list")
    assert (row["name"], row["scopes"]) == ("till 1", "orders:write orders:read")
    assert made.out.strip() not in str(row)
    assert desk.run("key", "revoke", "till 1").code == 0
    assert desk.rows("key", "list") == []
    assert desk.run("key", "revoke", "till 1").code == 2


def test_a_key_that_could_not_be_used_or_told_apart_is_not_made(desk: Desk) -> None:
    desk.run("estate", "apply")
    assert desk.run("key", "create", "till", "--scope", "orders:write").code == 0

    for words, told in (
        (("till", "--scope", "orders:write"), 'A valid key is called "till" already'),
        (("late", "--scope", "orders:write", "--days", "-1"), "--days -1 makes no usable key"),
        (("shop", "--scope", "orders:write", "--channel", "nope"), 'The estate has no channel "nope"'),
    ):
        said = desk.run("key", "create", *words)
        assert (said.code, said.out, told in said.err) == (2, "", True), said
    assert [row["name"] for row in desk.rows("key", "list")] == ["till"]


def test_where_no_hub_is_nobody_says_that_all_is_well(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A monitor in the wrong folder must not be told that nothing needs a person."""
    monkeypatch.delenv("CROSSDOCK_DATABASE_URL")

    for words in (("exceptions", "list"), ("key", "list"), ("order", "trace", "1"), ("intents", "causes")):
        said = desk.run(*words)
        assert (said.code, said.out) == (2, "")
        assert said.err.startswith(f"There is no hub in {desk.home}")
    assert not (desk.home / "postgres").exists()


def test_commands_that_need_an_estate_say_how_to_get_one(desk: Desk) -> None:
    said = desk.run("connection", "list")

    assert said.code == 2
    assert said.err == "No estate has been applied yet: run `crossdock estate apply`.\n"
