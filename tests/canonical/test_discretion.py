"""Reasons say what is wrong, not who it is about."""

from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.discretion import Discretion, said_of
from crossdock.canonical.orders import Address, Person

NAMES = st.text(st.characters(categories=["Lu", "Ll"]), min_size=4, max_size=20)


def test_a_value_is_left_out_however_it_is_written() -> None:
    discretion = Discretion(["Erika Mustermann", "+49 731 1234567"])

    assert discretion.without('wanted a number, got "erika MUSTERMANN"') == 'wanted a number, got "…"'
    assert discretion.without("Mustermann, Erika: +49 731 1234567") == "…, …: …"


def test_what_is_no_word_of_a_person_stays() -> None:
    discretion = Discretion(["Ann", "DE", "Anna Tee"])

    assert discretion.without('item "TEA-ANNUAL" is unknown in DE') == 'item "TEA-ANNUAL" is unknown in DE'


def test_mail_addresses_are_left_out_whoevers_they_are() -> None:
    assert Discretion(()).without("got <a.b+c@x.example>, twice") == "got <…>, twice"


@given(name=NAMES, before=st.text(max_size=20), after=st.text(max_size=20))
def test_a_name_between_blanks_never_stays(name: str, before: str, after: str) -> None:
    assert name.casefold() not in Discretion([name]).without(f"{before} {name} {after}").casefold().split()


def test_everything_that_identifies_somebody_counts() -> None:
    person = Person(channel_customer_id="7", name="a", email="b", phone="c")
    address = Address(name="d", lines=("e", ""), city="f", postal_code="g", country="DE", phone="h")

    assert said_of(person, address, None) == set("abcdefgh")
    assert said_of(None, None) == set()
