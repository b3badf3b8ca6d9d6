"""What comes from outside is understood in one way only."""

from decimal import Decimal

import pytest

from crossdock.foundation.plain import composed, composed_json, composed_query, decimal, names_twice, needs_a_look


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", "1"), ("-12.50", "-12.50"), ("+3", "3"), (".5", "0.5"), ("5.", "5"), ("007", "7"), ("1e3", "1000")],
)
def test_a_number_is_read_as_it_is_written(text: str, number: str) -> None:
    assert decimal(text) == Decimal(number)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        " 1 ",
        "1_000",
        "1,5",
        "١٢",
        "\uff11\uff12",
        "NaN",
        "Infinity",
        "-Inf",
        "1e",
        "0x10",
        "1\n",
        "\u00a01",
        "1e99999",
    ],
)
def test_what_only_python_takes_for_a_number_is_none(text: str) -> None:
    assert decimal(text) is None


def test_texts_are_composed() -> None:
    assert composed("cafe\u0301") == "caf\u00e9"
    assert composed("plain") == "plain"


@pytest.mark.parametrize(
    ("body", "same"),
    [
        ('{"a": "cafe\u0301"}', '{"a": "caf\u00e9"}'),
        (r'{"a": "cafe\u0301"}', '{"a": "caf\u00e9"}'),
        (r'{"a": "\\u0301 \u0041 \u0022"}', r'{"a": "\\u0301 \u0041 \u0022"}'),
        (r'{"a": "\ud83d\ude00"}', '{"a": "\U0001f600"}'),
        (r'{"a": "\ud83d"}', r'{"a": "\ud83d"}'),
        ('{"a": 1}', '{"a": 1}'),
    ],
)
def test_json_is_composed_escaped_characters_too(body: str, same: str) -> None:
    assert composed_json(body.encode()).decode() == same


def test_what_is_not_utf8_is_left_to_its_reader() -> None:
    assert composed_json(b'{"a": "\xff"}') == b'{"a": "\xff"}'


@pytest.mark.parametrize("body", [b'{"a": 1, "a": 1}', b'[{"b": {"a": 1, "\\u0061": 2}}]'])
def test_a_name_that_stands_twice_is_seen(body: bytes) -> None:
    assert names_twice(body)
    assert needs_a_look(body)


@pytest.mark.parametrize("body", [b'[{"a": 1}, {"a": 1}]', b'{"a": {"a": "a"}}', b"[" * 100_000, b"{", b'"\xff"', b""])
def test_names_of_different_objects_may_be_the_same(body: bytes) -> None:
    assert not names_twice(body)


@pytest.mark.parametrize(
    "number", ["1_000", " 1", "1 ", "1.  ", "-1  ", "١٢", "\\u0661", "1\\n", "\\t1", "\u00a01", "1\u2003"]
)
def test_whatever_python_takes_for_a_number_and_others_do_not_is_looked_at(number: str) -> None:
    assert needs_a_look(f'{{"quantity": "{number}"}}'.encode())


@pytest.mark.parametrize("text", ["SKU_1", "12.50", "T\u00e4nnchen", "a b c", "#1042"])
def test_ordinary_texts_need_no_closer_look(text: str) -> None:
    assert not needs_a_look(f'{{"text": "{text}", "more": 1}}'.encode())


@pytest.mark.parametrize(
    ("query", "same"),
    [
        (b"sku=cafe%CC%81&x=1", b"sku=caf%C3%A9&x=1"),
        (b"sku=caf%C3%A9", b"sku=caf%C3%A9"),
        (b"sku=a%26b%3Dc%20d&y=%ff", b"sku=a%26b%3Dc%20d&y=%ff"),
        (b"", b""),
    ],
)
def test_a_query_is_composed_and_nothing_else_of_it_changes(query: bytes, same: bytes) -> None:
    assert composed_query(query) == same
