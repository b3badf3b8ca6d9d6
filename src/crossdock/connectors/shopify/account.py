"""The account as people look at it: is it usable, and what is in it that we should match."""

from collections.abc import AsyncIterator
from typing import Final

from crossdock.connector_kit.model import Finding, Theirs
from crossdock.connector_kit.session import Session
from crossdock.connector_kit.verdict import CallFailed, Verdict
from crossdock.connectors.shopify.api import API_VERSION, drift_means, read
from crossdock.connectors.shopify.places import every_location, place_of
from crossdock.connectors.shopify.webhooks import TOPICS, subscriptions

SCOPES: Final = (
    "read_inventory",
    "read_locations",
    "read_merchant_managed_fulfillment_orders",
    "read_orders",
    "read_products",
    "write_inventory",
    "write_merchant_managed_fulfillment_orders",
    "write_orders",
)
SHOP_POINTS: Final = 10.0
ITEMS_POINTS: Final = 300.0

SHOP: Final = """
{
  shop { name myshopifyDomain currencyCode }
  currentAppInstallation { accessScopes { handle } }
}
"""
ITEMS: Final = """
query ($after: String) {
  productVariants(first: 100, after: $after) {
    nodes { sku barcode displayName inventoryItem { id tracked } }
    pageInfo { hasNextPage endCursor }
  }
}
"""


async def check(session: Session) -> AsyncIterator[Finding]:
    """Credentials first: without them nothing else can be looked at."""
    try:
        answer = await read(session, SHOP, {}, points=SHOP_POINTS)
    except CallFailed as failed:
        todo = "check url, access_token or client_id and client_secret of the connection"
        yield Finding(subject="credentials", ok=False, text=failed.reason, todo=todo)
        return
    with drift_means(Verdict.REFUSED):
        shop = answer.data.one("shop")
        text = f"{shop.text('name')} ({shop.text('myshopifyDomain')}), sells in {shop.text('currencyCode')}"
        yield Finding(subject="credentials", ok=True, text=text)
        yield _version(answer.version)
        scopes = {each.text("handle") for each in answer.data.one("currentAppInstallation").each("accessScopes")}
        yield _scopes(scopes)
        yield await _location(session)
        yield await _webhooks(session)


async def directory(session: Session, kind: str) -> AsyncIterator[Theirs]:
    """Items by their inventory item (that is what stock is set on), and locations. Customers are not matched."""
    with drift_means(Verdict.REFUSED):
        if kind == "location":
            for place in await every_location(session):
                yield Theirs(kind=kind, id=place.text("id"), code=place.text("name"), name=place.text("name"))
        elif kind == "sku":
            async for item in _items(session):
                yield item


async def _items(session: Session) -> AsyncIterator[Theirs]:
    after: str | None = None
    while True:
        answer = await read(session, ITEMS, {"after": after}, points=ITEMS_POINTS)
        variants = answer.data.one("productVariants")
        for variant in variants.each("nodes"):
            yield Theirs(
                kind="sku",
                id=variant.one("inventoryItem").text("id"),
                code=variant.text_or_empty("sku"),
                name=variant.text("displayName"),
                barcodes=tuple(code for code in (variant.text_or_empty("barcode"),) if code),
            )
        page = variants.one("pageInfo")
        if not page.flag("hasNextPage"):
            return
        after = page.text("endCursor")


def _version(version: str) -> Finding:
    if version == API_VERSION:
        return Finding(subject="API version", ok=True, text=version)
    text = f"the shop answers as {version}, Crossdock speaks {API_VERSION}"
    return Finding(
        subject="API version", ok=False, text=text, todo="update Crossdock before fields change their meaning"
    )


def _scopes(scopes: set[str]) -> Finding:
    missing = [scope for scope in SCOPES if scope not in scopes and scope.replace("read_", "write_") not in scopes]
    if not missing:
        return Finding(subject="access scopes", ok=True, text=f"{len(SCOPES)} of {len(SCOPES)} granted")
    todo = "grant them to the app in the shop's admin and install it again"
    return Finding(subject="access scopes", ok=False, text=f"missing: {', '.join(missing)}", todo=todo)


async def _location(session: Session) -> Finding:
    try:
        place = await place_of(session, None)
    except CallFailed as failed:
        return Finding(
            subject="location",
            ok=False,
            text=failed.reason,
            todo="name one, or match locations and publish by location",
        )
    known = {each.text("id") for each in await every_location(session)}
    if place in known:
        return Finding(subject="location", ok=True, text=f"stock is published to {place}")
    return Finding(subject="location", ok=False, text=f"the shop has no {place}", todo="correct `location`")


async def _webhooks(session: Session) -> Finding:
    held = {each.text("topic") for each in await subscriptions(session)}
    missing = [topic for topic in TOPICS if topic.replace("/", "_").upper() not in held]
    if not missing:
        return Finding(subject="webhooks", ok=True, text=f"{', '.join(TOPICS)} are subscribed")
    todo = "register them with `connection register`; until then orders come by poll only"
    return Finding(subject="webhooks", ok=False, text=f"not subscribed: {', '.join(missing)}", todo=todo, later=True)
