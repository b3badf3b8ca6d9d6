"""A log line is one event: one line of JSON, findable by its trace, without secrets."""

import json
import logging
from collections.abc import Iterator
from uuid import UUID

import pytest
import structlog

from crossdock.foundation import log, telemetry


@pytest.fixture(autouse=True)
def _own_configuration() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    said = capsys.readouterr()
    assert said.out == "", "answers go to standard output, logs do not"
    return [json.loads(line) for line in said.err.splitlines()]


def test_an_event_is_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(style="json")
    log.logger("room").info("order_held", order_id="1042", reason="two\nlines")

    (line,) = lines(capsys)
    assert (line["event"], line["room"], line["level"]) == ("order_held", "room", "info")
    assert line["reason"] == "two\nlines"
    assert str(line["timestamp"]).endswith("Z")


def test_what_failed_is_on_the_same_line(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(style="json")
    try:
        int("no such store")
    except ValueError:
        log.logger("room").exception("step_failed")

    (line,) = lines(capsys)
    assert "no such store" in str(line["exception"])


@pytest.mark.parametrize(
    "name", ["password", "api_key", "Authorization", "access_token", "webhook_secret", "tls_private_key"]
)
def test_a_value_under_a_secrets_name_is_never_written(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(style="json")
    log.logger("room").warning("settings_unusable", **{name: "open sesame"}, connection="shop")

    (line,) = lines(capsys)
    assert line[name] == "hidden"
    assert line["connection"] == "shop"


def test_a_line_inside_a_trace_names_it(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(style="json")
    correlation = UUID("019a9f6e-2c3d-7a10-8b4c-5d6e7f809112")
    with telemetry.continued(correlation, "send"):
        log.logger("room").info("sent")
    log.logger("room").info("idle")

    inside, outside = lines(capsys)
    assert inside["trace_id"] == correlation.hex
    assert "trace_id" not in outside


def test_what_is_below_the_level_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(level="warning", style="json")
    log.logger("room").info("quiet")
    log.logger("room").warning("loud")

    assert [line["event"] for line in lines(capsys)] == ["loud"]


def test_people_get_text_instead(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(style="text")
    log.logger("room").info("order_held", order_id="1042")

    said = capsys.readouterr().err
    assert "order_held" in said
    assert not said.startswith("{")


@pytest.mark.parametrize("style", ["json", "text"])
def test_what_others_sent_does_nothing_to_the_terminal(
    style: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # as in a process that nobody looks over
    log.configure(style=style)
    log.logger("room").info("order_held", order_id="W-1\x1b[2J\x9b1A\u202e")
    logging.getLogger("library").warning("asked for %s", "\x1b[2J")

    said = capsys.readouterr().err
    assert "\x1b[2J" not in said
    assert "\x9b" not in said
    assert "\u202e" not in said
    assert "W-1\\u001b[2J\\u009b1A\\u202e" in said
    assert "library asked for \\u001b[2J" in said
