"""From our codes to Tryton's records: items, warehouses, taxes, accounts, and what stands in the settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from crossdock.canonical.base import Document
from crossdock.canonical.intents import IntentDocument
from crossdock.connector_kit.record import Record
from crossdock.connector_kit.session import Session
from crossdock.connector_kit.verdict import CallFailed, Verdict
from crossdock.connectors.tryton.rpc import Tryton
from crossdock.connectors.tryton.wire import Json

SKU: Final = "sku"
LOCATION: Final = "location"
SOLD: Final[tuple[Json, ...]] = (["type", "in", ["goods", "service"]],)
"""What may stand on a sale. Assets and the like are none of a shop's business."""
_ITEM: Final = ("sale_uom", "default_uom", "type")
_Thing = TypeVar("_Thing")
_Intent = TypeVar("_Intent", bound=Document)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Goods or a service, with the unit that it is sold in."""

    id: int
    unit: int
    moves: bool
    """Goods: a move of stock goes with them. Services have none, and Tryton refuses one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Warehouse:
    """A location of ours. One whose goods leave from where they lie has no picking step in Tryton."""

    id: int
    storage: int
    input: int
    output: int

    @property
    def picks(self) -> bool:
        """Goods are picked into an output zone before they are packed."""
        return self.storage != self.output


def of_kind(document: IntentDocument, kind: type[_Intent]) -> _Intent:
    """The hub gives a send only what it has declared."""
    assert isinstance(document, kind), document
    return document


def document_id(model: str, record: int) -> str:
    """Tryton's own way of naming a record of any model; unique across all."""
    return f"{model},{record}"


async def items(session: Session, tryton: Tryton, skus: Sequence[str]) -> Mapping[str, Item]:
    """By SKU; Unmatched for the first that nobody has linked."""
    wanted = tuple(dict.fromkeys(skus))
    theirs = await session.identities.theirs(SKU, wanted)
    found = {
        row.key("id"): _item(row)
        for row in await tryton.read("product.product", [int(theirs[sku]) for sku in wanted], _ITEM)
    }
    return {sku: found[theirs[sku]] for sku in wanted}


def _item(row: Record) -> Item:
    unit = row.whole("sale_uom" if row.has("sale_uom") else "default_uom")
    return Item(id=row.whole("id"), unit=unit, moves=row.text("type") == "goods")


def not_our_own(session: Session) -> Json:
    """Services that stand for charges and for cents of difference are no items: nobody sells those."""
    own = sorted({session.settings["rounding_item"], *session.lookups.get("charge", {}).values()})
    return ["OR", ["code", "=", None], ["code", "not in", own]]


async def services(tryton: Tryton, codes: Sequence[str]) -> Mapping[str, Item]:
    """Items without stock, by Tryton's own code."""
    wanted = tuple(dict.fromkeys(codes))
    if not wanted:
        return {}
    rows = await tryton.rows("product.product", [["code", "in", wanted]], ["code", *_ITEM])
    return _all_of({row.text("code"): _item(row) for row in rows}, wanted, "item")


async def warehouse(session: Session, tryton: Tryton, location: str) -> Warehouse:
    """By our location code; Unmatched when nobody has linked it."""
    theirs = await session.identities.theirs(LOCATION, (location,))
    rows = await tryton.read(
        "stock.location", [int(theirs[location])], ["storage_location", "input_location", "output_location"]
    )
    row = rows[0]
    return Warehouse(
        id=row.whole("id"),
        storage=row.whole("storage_location"),
        input=row.whole("input_location"),
        output=row.whole("output_location"),
    )


async def customer_location(tryton: Tryton) -> int:
    """Where sold goods go to in Tryton's double entry of stock."""
    return await the_one(tryton, "stock.location", [["type", "=", "customer"]], "customer location")


async def taxes(session: Session, tryton: Tryton, codes: Sequence[str]) -> Mapping[str, int]:
    """By our tax codes, through the lookup `tax` to the names of Tryton's taxes."""
    names = {code: session.lookup("tax", code) for code in dict.fromkeys(codes)}
    if not names:
        return {}
    rows = await tryton.rows("account.tax", [["name", "in", tuple(names.values())], ["parent", "=", None]], ["name"])
    found = _all_of({row.text("name"): row.whole("id") for row in rows}, tuple(names.values()), "tax")
    return {code: found[name] for code, name in names.items()}


async def accounts(session: Session, tryton: Tryton, keys: Sequence[str]) -> Mapping[str, int]:
    """By posting keys, through the lookup `account` to the codes of Tryton's accounts."""
    codes = {key: session.lookup("account", key) for key in dict.fromkeys(keys)}
    rows = await tryton.rows("account.account", [["code", "in", tuple(codes.values())]], ["code"])
    found = _all_of({row.text("code"): row.whole("id") for row in rows}, tuple(codes.values()), "account")
    return {key: found[code] for key, code in codes.items()}


async def the_one(tryton: Tryton, model: str, domain: Sequence[Json], name: str) -> int:
    """A record that must exist for us to work at all."""
    found = await tryton.first(model, domain, ["id"])
    if found is None:
        raise CallFailed(
            Verdict.REFUSED, f"Tryton has no {name}: create it there, or correct the setting", code="missing"
        )
    return found.whole("id")


def _all_of(found: Mapping[str, _Thing], wanted: Sequence[str], name: str) -> Mapping[str, _Thing]:
    for code in wanted:
        if code not in found:
            reason = f'Tryton has no {name} "{code}": create it there, or correct the lookup or setting that names it'
            raise CallFailed(Verdict.REFUSED, reason, code="missing")
    return found
