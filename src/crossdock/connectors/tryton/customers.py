"""Whom a sale is for: a party per customer, found by code or made, or the one party that stands for all."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from crossdock.canonical.intents import PostSale
from crossdock.canonical.orders import Address
from crossdock.connector_kit.record import Record
from crossdock.connector_kit.session import Session
from crossdock.connector_kit.verdict import CallFailed, Verdict
from crossdock.connectors.tryton.codes import the_one
from crossdock.connectors.tryton.rpc import Tryton
from crossdock.connectors.tryton.wire import Json

_FIELDS: Final = ("street_unstructured", "postal_code", "city", "country.code", "party_name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A party and the address of this order."""

    party: int
    address: int


async def customer_of(session: Session, tryton: Tryton, sale: PostSale) -> Customer:
    """`party.party.code` is unique, so a repetition finds what it made before."""
    code = _code(sale)
    if session.settings["customers"] == "one" or not code:
        return await party_by_code(tryton, session.settings["web_customer"])
    found = await tryton.first("party.party", [["code", "=", code]], ["id"])
    if found is None:
        await _make(tryton, code, sale)
        found = await tryton.first("party.party", [["code", "=", code]], ["id"])
        if found is None:
            raise CallFailed(Verdict.REFUSED, f"Tryton made a party but does not show it as {code}", code="missing")
    party = found.whole("id")
    return Customer(party=party, address=await _address(tryton, party, sale.ship_to or Address()))


async def party_by_code(tryton: Tryton, code: str) -> Customer:
    """A party that people have made, such as the walk-in customer."""
    party = await the_one(tryton, "party.party", [["code", "=", code]], f'party "{code}"')
    address = await the_one(tryton, "party.address", [["party", "=", party]], f'address of party "{code}"')
    return Customer(party=party, address=address)


def _code(sale: PostSale) -> str:
    """The channel's customer, or this order where the channel knows none (a guest); empty when nobody is named."""
    person, ship_to = sale.customer, sale.ship_to
    if person is not None and person.channel_customer_id:
        return f"{sale.channel}:{person.channel_customer_id}"
    return sale.reference if person is not None or ship_to is not None else ""


async def _make(tryton: Tryton, code: str, sale: PostSale) -> None:
    person, ship_to = sale.customer, sale.ship_to
    name = (person.name if person else "") or (ship_to.name if ship_to else "") or code
    email = person.email if person else ""
    contacts: Json = [["create", [{"type": "email", "value": email}]]] if email else []
    address = await _values(tryton, ship_to or Address())
    values: Mapping[str, Json] = {
        "name": name, "code": code, "addresses": [["create", [address]]], "contact_mechanisms": contacts,
    }  # fmt: skip
    try:
        await tryton.create("party.party", values)
    except CallFailed as failure:
        if failure.verdict is not Verdict.REFUSED or not await tryton.first(
            "party.party", [["code", "=", code]], ["id"]
        ):
            raise


async def _address(tryton: Tryton, party: int, wanted: Address) -> int:
    known = await tryton.rows("party.address", [["party", "=", party]], _FIELDS)
    for row in known:
        if _same(row, wanted):
            return row.whole("id")
    if known and wanted == Address():
        return known[0].whole("id")
    return await tryton.create("party.address", {"party": party, **await _values(tryton, wanted)})


def _same(row: Record, wanted: Address) -> bool:
    country = row.one_or_none("country.")
    held = (
        row.text_or_empty("street_unstructured"), row.text_or_empty("postal_code"), row.text_or_empty("city"),
        country.text("code") if country else wanted.country, row.text_or_empty("party_name"),
    )  # fmt: skip
    return held == ("\n".join(wanted.lines), wanted.postal_code, wanted.city, wanted.country, wanted.name)


async def _values(tryton: Tryton, address: Address) -> Mapping[str, Json]:
    country = (
        await tryton.first("country.country", [["code", "=", address.country]], ["id"]) if address.country else None
    )
    return {
        "street_unstructured": "\n".join(address.lines),
        "postal_code": address.postal_code,
        "city": address.city,
        "country": country.whole("id") if country else None,
        "party_name": address.name,
    }
