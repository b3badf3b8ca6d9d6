"""Nothing that others sent moves a cursor, hides, or turns the writing round."""

import json

import pytest

from crossdock.foundation.visible import on_one_line, visible


@pytest.mark.parametrize(
    "character", ["\x00", "\x1b", "\x07", "\r", "\x7f", "\x9b", "\u200b", "\u202e", "\ufeff", "\U000e0001"]
)
def test_what_acts_is_written_out_as_json_does_it(character: str) -> None:
    assert json.loads(f'"{visible(character)}"') == character
    assert visible(character).isascii()


def test_everything_else_stays() -> None:
    text = "Tännchen 木 ☕\u00a0| two\n\tlines"
    assert visible(text) == text
    assert on_one_line("a\n\tb") == "a\\n\\tb"
