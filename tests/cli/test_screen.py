"""What others sent shows on the screen, and does nothing to it."""

import json

import pytest

from crossdock.cli.findings import show_findings
from crossdock.cli.output import print_json, print_table, say
from crossdock.connector_kit.model import Finding

EVIL = "W-1\x1b[2J\x1b]0;owned\x07\x9b1A\u202e"
SEEN = "W-1\\u001b[2J\\u001b]0;owned\\u0007\\u009b1A\\u202e"


def test_lines_tables_and_findings_write_control_characters_out(capsys: pytest.CaptureFixture[str]) -> None:
    say(EVIL)
    print_table(["order"], [[EVIL]], empty="", title=EVIL)
    print_table(["order"], [], empty=EVIL)
    show_findings([Finding(subject="s", ok=False, text=EVIL)], as_json=False, fine="")

    said = capsys.readouterr().out
    assert said.count(SEEN) == 5
    assert all(each.isprintable() or each == "\n" for each in said)


def test_json_keeps_the_value_and_stays_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"order": EVIL})

    said = capsys.readouterr().out
    assert json.loads(said) == {"order": EVIL}
    assert all(each.isprintable() or each == "\n" for each in said)
