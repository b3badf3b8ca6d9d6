"""A web shop for rehearsals that speaks, limits, signs and fails like Shopify."""

from crossdock.simulation.shop.audit import Readout, read_out
from crossdock.simulation.shop.courier import Courier, sign
from crossdock.simulation.shop.faults import Fault, FaultKind, Faults
from crossdock.simulation.shop.model import Order, Tracking
from crossdock.simulation.shop.ordering import NotSold, OutOfStock, PlaceOutcome, Purchase, PurchaseLine
from crossdock.simulation.shop.seed import ItemSeed, LocationSeed, SeedError, ShopSeed
from crossdock.simulation.shop.server import ListenError, OpenShop, open_shop
from crossdock.simulation.shop.shop import Shop
from crossdock.simulation.shop.shopper import Shopper

__all__ = [
    "Courier",
    "Fault",
    "FaultKind",
    "Faults",
    "ItemSeed",
    "ListenError",
    "LocationSeed",
    "NotSold",
    "OpenShop",
    "Order",
    "OutOfStock",
    "PlaceOutcome",
    "Purchase",
    "PurchaseLine",
    "Readout",
    "SeedError",
    "Shop",
    "ShopSeed",
    "Shopper",
    "Tracking",
    "open_shop",
    "read_out",
    "sign",
]
