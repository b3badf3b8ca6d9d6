"""POST /v1/products: items from a retailer that has no connected system for them, or feeds them itself."""

from typing import Annotated, Any, Final

import msgspec
from litestar import Request, post
from litestar.datastructures import State
from litestar.params import JSONBody

from crossdock.canonical.base import CategoryPath, Code, Positive, Sku, Text
from crossdock.canonical.stock import Component, HandlingUnit, ItemDescribed
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
    category: CategoryPath = ""
    """Where it belongs, from the general to the particular: `food.dairy.milk`. Rules hold for everything below."""
    components: Annotated[list[Component], msgspec.Meta(max_length=100)] = []
    """A kit has no stock of its own: selling it takes these."""
    units: Annotated[list[HandlingUnit], msgspec.Meta(max_length=20)] = []
    """Other units than `unit` in which it is handled, each with how many of `unit` it holds."""
    order_minimum: Positive | None = None
    order_maximum: Positive | None = None
    order_multiple: Positive | None = None
    """Customers order multiples of this only."""

    def __post_init__(self) -> None:
        self.document()

    def document(self) -> ItemDescribed:
        """The same in the hub's own words; ValueError when it contradicts itself."""
        return ItemDescribed(
            sku=self.sku,
            name=self.name,
            unit=self.unit,
            tax_class=self.tax_class,
            barcodes=tuple(self.barcodes),
            active=self.active,
            tracked=self.tracked,
            category=self.category,
            components=tuple(self.components),
            units=tuple(self.units),
            order_minimum=self.order_minimum,
            order_maximum=self.order_maximum,
            order_multiple=self.order_multiple,
        )


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
    described = [item.document() for item in data.items]
    origin = Origin.begin(f"api:{caller_of(request).name}")
    async with hub.database.transaction() as tx:
        changed = await catalog.describe(tx, described, origin=origin, now=hub.clock.now())
    if any(item.components for item in data.items):
        parts.memory.clear()  # kits of kits may be made of something else now
    else:
        parts.memory.drop([Sku(item.sku) for item in data.items])
    hub.hints.ring()
    return ItemsAnswer(described=len(described), changed=changed)
