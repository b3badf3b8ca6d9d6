"""A message that cannot be read says why in words that say nothing of the people in it."""

import json

import pytest

from crossdock.inbound.discretion import discreet, names_any
from crossdock.inbound.model import Draft

PERSON = {
    "customer": {"id": 77, "first_name": "Erika"},
    "shipping_address": {"address1": "Hauptstr. 5", "lines": ["Hof 3"]},
}
ITEMS = {"line_items": [{"name": "Earl Grey", "price": "x"}], "products": {"name": "Earl Grey"}}


def kept(reason: str, body: bytes) -> str:
    (draft,) = discreet([Draft(number=0, path="$.x", reason=reason)], body)
    return draft.reason


@pytest.mark.parametrize("value", ["Erika", "Hauptstr. 5", "Hof 3"])
def test_values_of_peoples_fields_are_left_out_wherever_they_turn_up(value: str) -> None:
    body = json.dumps({**PERSON, **ITEMS, "quantity": value}).encode()

    assert kept(f'wanted number, got "{value}"', body) == 'wanted number, got "…"'


def test_names_of_goods_stay() -> None:
    reason = 'item "Earl Grey" is not matched'

    assert kept(reason, json.dumps({**PERSON, **ITEMS}).encode()) == reason


def test_numbers_are_values_too() -> None:
    assert kept("wanted text, got 4915112345678", b'{"phone": 4915112345678}') == "wanted text, got …"


def test_lines_of_json_are_read_one_by_one() -> None:
    body = b'{"customer": {"name": "Erika Muster"}}\n{broken\n'

    assert kept('got "Erika Muster"', body) == 'got "…"'


def test_xml_is_read_by_its_elements_and_attributes() -> None:
    body = b'<p:Customer p:Surname="Muster"><p:GivenName>Erika</p:GivenName></p:Customer><ItemName>Assam</ItemName>'

    assert kept('got "Erika" "Muster" "Assam"', body) == 'got "…" "…" "Assam"'


def test_of_a_body_too_large_to_be_looked_through_nothing_is_quoted() -> None:
    assert kept('got "anything"', b" " * (4 * 1024 * 1024 + 1)) == 'got "…"'


def test_a_name_is_found_however_its_characters_are_written() -> None:
    assert names_any(json.dumps({"name": "Jörg Müller"}).encode(), ["jörg müller"])
    assert not names_any(b"{}", ["jörg müller"])
