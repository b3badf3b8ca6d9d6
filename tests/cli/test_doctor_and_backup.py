"""The hub examined, backed up and brought back."""

import json
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from cli.conftest import COMPANY, Desk
from crossdock.foundation.postgres import ConnectionInfo


def subjects(rows: list[dict[str, object]], *, ok: bool) -> dict[str, str]:
    return {str(row["subject"]): f"{row['text']} {row['todo']}" for row in rows if row["ok"] is ok}


def test_a_healthy_hub_has_no_findings(connected: Desk) -> None:
    rows = connected.rows("doctor")

    assert subjects(rows, ok=False) == {}
    assert {"address", "data folder", "disk", "database", "durability", "clock", "horizon", "schema", "estate"} <= set(
        subjects(rows, ok=True)
    )
    said = connected.run("doctor")
    assert said.code == 0
    assert said.out.endswith("All is well.\n")


def test_what_is_wrong_is_told_with_what_to_do(connected: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    (connected.other_side / "password").write_text("changed")
    (connected.estate / "retailer.yaml").write_text(COMPANY.replace("Corner Shops", "Corner & Co"))
    connected.run("connection", "stop", "corner", "--reason", "moving house")
    monkeypatch.setenv("CROSSDOCK_HOST", "0.0.0.0")  # noqa: S104 (that is the finding)

    said = connected.run("doctor", "--json")

    assert said.code == 1
    wrong = subjects(json.loads(said.out), ok=False)
    assert set(wrong) == {"address", "estate", "corner: state", "corner: password"}
    assert "crossdock connection start corner" in wrong["corner: state"]
    assert "estate diff" in wrong["estate"]
    offline = subjects(connected.rows("doctor", "--offline"), ok=False)
    assert "corner: password" not in offline


def test_files_that_nobody_takes_are_a_finding(connected: Desk) -> None:
    for place in ("corner/day.json", "cornr/day.json"):
        (connected.home / "drop" / place).parent.mkdir(parents=True, exist_ok=True)
        (connected.home / "drop" / place).write_text("[]")

    wrong = subjects(connected.rows("doctor", "--offline"), ok=False)

    assert wrong["drop folders"].startswith('1 file lies under drop/cornr: no connection "cornr" takes files')
    assert "Move them into the folder of their connection" in wrong["drop folders"]


def test_an_estate_with_a_mistake_and_one_not_applied_are_findings(desk: Desk) -> None:
    assert "not applied" in subjects(desk.rows("doctor"), ok=False)["estate"]

    (desk.estate / "retailer.yaml").write_text("company: 7\n")

    assert "retailer.yaml:1" in subjects(desk.rows("doctor"), ok=False)["estate"]


def test_a_schema_change_that_was_edited_after_it_was_applied_is_a_finding(desk: Desk) -> None:
    with psycopg.connect(desk.dsn) as session:
        session.execute("UPDATE public.crossdock_schema_change SET checksum = 'x' WHERE name = 'estate.0001.create'")

    wrong = subjects(desk.rows("doctor", "--offline"), ok=False)

    assert wrong["schema"].startswith("estate.0001.create: applied to this database with other content")


def test_a_database_that_does_not_answer_is_one_finding_without_its_password(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROSSDOCK_DATABASE_URL", "postgresql://hub:hunter2@127.0.0.1:1/crossdock")

    said = desk.run("doctor", "--json")

    assert said.code == 1
    assert "database" in subjects(json.loads(said.out), ok=False)
    assert "hunter2" not in said.out + said.err


def test_a_machine_without_a_hub_yet_is_told_how_to_begin(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CROSSDOCK_DATABASE_URL")

    rows = desk.rows("doctor")

    assert subjects(rows, ok=True)["database"].startswith("not made yet: `crossdock up` makes it")
    assert not (desk.home / "postgres").exists()


@pytest.fixture
def empty(cluster: ConnectionInfo) -> str:
    """A database with nothing in it."""
    with psycopg.connect(cluster.admin_dsn, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS spare WITH (FORCE)"))
        admin.execute(sql.SQL("CREATE DATABASE spare OWNER crossdock"))
    return make_conninfo(cluster.dsn, dbname="spare")


def test_what_was_backed_up_is_restored_whole_into_an_empty_database(
    connected: Desk, tmp_path: Path, empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "hub.backup"
    connected.run("key", "create", "till", "--scope", "orders:write")

    made = connected.run("backup", str(file))
    monkeypatch.setenv("CROSSDOCK_DATABASE_URL", empty)
    restored = connected.run("restore", str(file), "--json")

    assert made.code == 0
    assert "master.key" in made.out
    assert restored.code == 0
    assert [row["name"] for row in connected.rows("key", "list")] == ["till"]
    assert connected.run("estate", "diff").out == "Nothing would change.\n"


def test_a_database_in_use_is_never_replaced_by_accident(connected: Desk, tmp_path: Path) -> None:
    file = tmp_path / "hub.backup"
    connected.run("backup", str(file))

    refused = connected.run("restore", str(file))
    again = connected.run("backup", str(file))

    assert refused.code == 2
    assert "is not empty" in refused.err
    assert again.code == 2
    assert "exists already" in again.err
    assert connected.run("restore", str(file), "--replace").code == 0
    assert connected.run("connection", "list").code == 0


def test_a_file_that_is_no_backup_changes_nothing(connected: Desk, tmp_path: Path) -> None:
    (tmp_path / "fake").write_text("hello")

    said = connected.run("restore", str(tmp_path / "fake"), "--replace")

    assert said.code == 2
    assert said.err.endswith("nothing was changed.\n")
    assert connected.run("connection", "list").code == 0
