"""Adding, checking and stopping connections from the command line."""

import stat
from pathlib import Path

import pytest

from cli.conftest import COMPANY, Desk

REFERENCE = "${CORNER_PASSWORD}"


def add(desk: Desk, *more: str, password: str = REFERENCE) -> "tuple[int, str, str]":
    said = desk.run(
        "connection",
        "add",
        "books",
        "corner",
        "--set",
        f"folder={desk.other_side}",
        "--set",
        f"password={password}",
        *more,
    )
    return said.code, said.out, said.err


def test_a_connection_is_written_applied_and_tested_in_one_go(desk: Desk) -> None:
    code, out, _ = add(desk, "--flow", "sale.post", "--public-url", "https://hub.example.com/")

    assert code == 0, out
    written = (desk.estate / "connections-books.yaml").read_text()
    assert "password: ${CORNER_PASSWORD}" in written
    assert "kind: sale.post" in written
    assert desk.run("estate", "diff").out == "Nothing would change.\n"
    assert (desk.other_side / "registered").read_text() == "https://hub.example.com/v1/webhooks/books"
    assert "books is ready." in out
    (row,) = desk.rows("connection", "list")
    assert (row["name"], row["connector"], row["state"]) == ("books", "corner", "working")


def test_a_typed_in_secret_goes_into_a_file_that_only_we_can_read(desk: Desk) -> None:
    code, out, _ = add(desk, password="open sesame")

    secret = desk.home / "secrets" / "books.password"
    assert code == 0
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert stat.S_IMODE(secret.parent.stat().st_mode) == 0o700
    assert secret.read_text() == "open sesame"
    assert "open sesame" not in out + (desk.estate / "connections-books.yaml").read_text()
    assert f"file:{secret.resolve()}" in (desk.estate / "connections-books.yaml").read_text()


def test_wrong_credentials_add_nothing(desk: Desk) -> None:
    code, out, err = add(desk, password="wrong")

    assert code == 1
    assert "NOT OK" in out
    assert err == "Nothing was added. Correct that, or add it as it is with --untested.\n"
    assert not (desk.estate / "connections-books.yaml").exists()
    assert list((desk.home / "secrets").iterdir()) == []
    assert desk.run("estate", "versions").out == "No estate has been applied yet.\n"


def test_an_account_that_is_not_ready_yet_can_be_added_and_corrected_later(desk: Desk) -> None:
    code, out, _ = add(desk, "--untested", password="wrong")

    assert code == 1
    assert "NOT OK" in out
    assert (desk.estate / "connections-books.yaml").exists()
    (desk.home / "secrets" / "books.password").write_text("open sesame")
    assert desk.run("connection", "check", "books").code == 0


def test_what_the_connector_needs_and_nobody_gave_is_named(desk: Desk) -> None:
    said = desk.run("connection", "add", "books", "corner", "--set", "mode=test")

    assert said.code == 2
    assert said.err == "Corner Books needs more settings: --set folder=… (Folder), --set password=… (Password).\n"
    assert list(desk.estate.glob("connections-*")) == []


def test_a_mistake_leaves_no_file_behind(desk: Desk) -> None:
    code, _, err = add(desk, "--channel", "nowhere", password="open sesame")

    assert code == 2
    assert 'there is no channel "nowhere"' in err
    assert list(desk.estate.glob("connections-*")) == []
    assert list((desk.home / "secrets").iterdir()) == []
    assert desk.run("estate", "versions").out == "No estate has been applied yet.\n"


def test_what_somebody_else_has_not_applied_does_not_slip_in_with_a_new_connection(desk: Desk) -> None:
    desk.run("estate", "apply")
    (desk.estate / "retailer.yaml").write_text(COMPANY.replace("Corner Shops", "Corner & Co"))

    code, _, err = add(desk)

    assert code == 2
    assert err.startswith("1 changes in ")
    assert not (desk.estate / "connections-books.yaml").exists()


def test_an_unknown_connector_or_connection_names_those_there_are(desk: Desk) -> None:
    desk.run("estate", "apply")

    assert "installed: corner, " in desk.run("connection", "add", "x", "korner").err
    assert desk.run("connection", "check", "x").err == 'The estate has no connection "x" (it has: none).\n'


def test_a_system_that_does_not_answer_is_a_finding_not_a_crash(connected: Desk, tmp_path: Path) -> None:
    connected.other_side.rename(tmp_path / "moved")

    (finding,) = connected.rows("connection", "check")

    assert finding["ok"] is False
    assert "does not answer" in str(finding["text"])
    assert connected.run("connection", "check").code == 1


def test_a_missing_secret_is_a_finding_that_names_the_variable(
    connected: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CORNER_PASSWORD")

    (finding,) = connected.rows("connection", "check", "corner")

    assert finding["ok"] is False
    assert "CORNER_PASSWORD is not set" in str(finding["text"])


def test_a_connection_is_stopped_with_a_reason_and_started_again(connected: Desk) -> None:
    assert connected.run("connection", "stop", "corner", "--reason", "moving house").out == "corner is stopped.\n"
    (row,) = connected.rows("connection", "list")
    assert (row["state"], row["reason"]) == ("stopped", "moving house")
    assert connected.run("connection", "stop", "corner", "--reason", "again").out == "corner was stopped before.\n"

    assert connected.run("connection", "start", "corner").out == "corner is used again.\n"
    assert connected.run("connection", "start", "corner").out == "corner was in use.\n"
