"""A script does what its lines would do one by one, and stops where one of them is not possible."""

import io
from pathlib import Path

import pytest

from cli.conftest import Desk


def written(desk: Desk, *lines: str) -> str:
    desk.home.mkdir(exist_ok=True)
    file = desk.home / "setup.txt"
    file.write_text("\n".join(lines))
    return str(file)


def test_the_lines_are_run_in_order_and_each_is_told_as_it_begins(desk: Desk) -> None:
    said = desk.run("script", written(desk, "key create one --scope orders:read", "", "# who may", "key list --json"))

    assert said.code == 0
    assert said.err.splitlines() == ["+ key create one --scope orders:read", "+ key list --json"]
    assert said.out.splitlines()[1:] == desk.run("key", "list", "--json").out.splitlines()


def test_lines_are_written_as_in_a_shell_with_or_without_the_programs_name(desk: Desk) -> None:
    lines = ("./crossdock key create 'till of S1' --scope orders:read  # the till", 'crossdock key revoke "till of S1"')

    assert desk.run("script", written(desk, *lines)).code == 0
    assert desk.rows("key", "list") == []


def test_the_first_that_is_not_possible_ends_the_script(desk: Desk) -> None:
    said = desk.run("script", written(desk, "key revoke nobody", "key create one --scope orders:read"))

    assert said.code == 2
    assert said.err.splitlines() == ["+ key revoke nobody", 'There is no valid key "nobody": see `crossdock key list`.']
    assert desk.rows("key", "list") == []


@pytest.mark.parametrize("line", ["sing", "key create --no-such-flag", "key create one --scope no:such"])
def test_a_line_that_nobody_understands_ends_the_script(desk: Desk, line: str) -> None:
    assert desk.run("script", written(desk, line, "key create one --scope orders:read")).code == 2
    assert desk.rows("key", "list") == []


def test_findings_do_not_end_the_script_and_are_its_result(connected: Desk) -> None:
    said = connected.run("script", written(connected, "match corner", "key create one --scope orders:read"))

    assert said.code == 1
    assert len(connected.rows("key", "list")) == 1


def test_commands_may_come_through_a_pipe(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("key create one --scope orders:read\n"))

    assert desk.run("script").code == 0
    assert len(desk.rows("key", "list")) == 1


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("key create 'one", "Line 1 of the script cannot be read (No closing quotation): key create 'one"),
        ("crossdock script other.txt", "Line 1: a script cannot run another one."),
    ],
)
def test_a_line_that_cannot_be_run_is_named(desk: Desk, line: str, sentence: str) -> None:
    said = desk.run("script", written(desk, line))

    assert (said.code, said.err.strip()) == (2, sentence)


def test_a_script_that_is_not_there_is_one_sentence(desk: Desk, tmp_path: Path) -> None:
    said = desk.run("script", str(tmp_path / "nowhere"))

    assert said.code == 2
    assert said.err.startswith("The script ")
    assert "No such file" in said.err
