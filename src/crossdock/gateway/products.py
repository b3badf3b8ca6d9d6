"""POST /v1/products: items from a retailer that has no connected system for them, or feeds them itself."""

from typing import Annotated, Any, Final

import msgspec
from litestar import Request, post
from litestar.datastructures import State
from litestar.params import JSONBody

from crossdock.canonical.base import Code, Sku, Text
from crossdock.canonical.stock import ItemDescribed
from crossdock.catalog import service as catalog
from crossdock.eventlog.service import Origin
from crossdock.gateway.keys import Scope
from crossdock.gateway.parts import caller_of, parts_of

ITEMS_MAX: Final = 500


class ItemBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One item as its owner describes it."""

    sku: Code
    name: Text
    unit: Code = "each"
    tax_class: Text = ""
    barcodes: Annotated[list[Code], msgspec.Meta(max_length=50)] = []
    active: bool = True
    tracked: bool = True
    """False: its stock has no number, it can always be sold."""


class ItemsBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Up to 500 items; what is not named stays as it is."""

    items: Annotated[list[ItemBody], msgspec.Meta(min_length=1, max_length=ITEMS_MAX)]


class ItemsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """How many were new or different; the same again changes nothing."""

    described: int
    changed: int


@post("/v1/products", summary="Describe items", opt={"scope": Scope.PRODUCTS_WRITE}, status_code=200)
async def describe_items(request: "Request[Any, Any, State]", state: State, data: JSONBody[ItemsBody]) -> ItemsAnswer:
    """Orders that were held because an item was unknown are placed as soon as it is known."""
    parts = parts_of(state)
    hub = parts.hub
    described = [
        ItemDescribed(
            sku=item.sku,
            name=item.name,
            unit=item.unit,
            tax_class=item.tax_class,
            barcodes=tuple(item.barcodes),
            active=item.active,
            tracked=item.tracked,
        )
        for item in data.items
    ]
    origin = Origin.begin(f"api:{caller_of(request).name}")
    async with hub.database.transaction() as tx:
        changed = await catalog.describe(tx, described, origin=origin, now=hub.clock.now())
    parts.memory.drop([Sku(item.sku) for item in data.items])
    hub.hints.ring()
    return ItemsAnswer(described=len(described), changed=changed)
