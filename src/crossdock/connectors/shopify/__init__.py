"""Shopify: orders by webhook and poll, stock by compare-and-set, shipments and cancellations back; Admin GraphQL 2026-10."""

from datetime import timedelta
from typing import Final

from crossdock.connector_kit import setting
from crossdock.connector_kit.model import Connector, Limits, Load, Pull, Role, Send, Setting, Webhook, Webhooks
from crossdock.connectors.shopify import cancelling, fulfilment, stock
from crossdock.connectors.shopify.account import check, directory
from crossdock.connectors.shopify.decode_poll import decode_page
from crossdock.connectors.shopify.decode_webhook import decode_order
from crossdock.connectors.shopify.polling import OVERLAP, fetch_changes, fetch_open
from crossdock.connectors.shopify.webhooks import TOPICS, register, topic_of, verify

CONNECTOR: Final = Connector(
    name="shopify",
    title="Shopify",
    role=Role.SHOP,
    summary="Orders by webhook and poll, stock by compare-and-set, shipments and cancellations back (Admin GraphQL 2026-10).",
    settings=(
        Setting(name="url", title="Shop address", help="https://YOUR-SHOP.myshopify.com", refuse=setting.web_address),
        Setting(
            name="client_secret",
            title="Client secret",
            help="The app's client secret: webhooks are signed with it, and tokens are minted with it.",
            secret=True,
        ),
        Setting(
            name="client_secret_previous",
            title="Previous client secret",
            help="While the secret is being changed: webhooks signed with the old one are still accepted.",
            secret=True,
            default="",
        ),
        Setting(
            name="access_token",
            title="Access token",
            help="A lasting Admin API token; leave it empty to mint daily ones from client id and secret.",
            secret=True,
            default="",
        ),
        Setting(name="client_id", title="Client id", help="The app's client id, to mint tokens.", default=""),
        Setting(
            name="location",
            title="Location",
            help="gid://shopify/Location/… that takes the published stock; empty: the shop's only location.",
            default="",
        ),
        Setting(
            name="notify_customer",
            title="Notify customers",
            help="Shall the shop write to the customer when a shipment or a cancellation is reported?",
            default="no",
            choices=("yes", "no"),
        ),
        Setting(
            name="refund_cancelled",
            title="Refund what is cancelled",
            help="Shall the shop give the money back for what the hub cancels? If not, its staff does.",
            default="no",
            choices=("yes", "no"),
        ),
    ),
    # The vendor counts points, not requests; it reports its own figures with every answer.
    limits=Limits(requests_per_s=20, burst=40, concurrency=4, points_max=2000, points_per_s=100),
    check=check,
    webhooks=Webhooks(
        topics=tuple(Webhook(topic=topic, decode=decode_order) for topic in TOPICS),
        topic_of=topic_of,
        verify=verify,
        register=register,
    ),
    pulls=(
        Pull(
            name="orders",
            fetch=fetch_changes,
            decode=decode_page,
            every=timedelta(minutes=2),
            overlap=OVERLAP,
        ),
    ),
    sends=(
        Send(
            kind="stock.publish",
            run=stock.publish,
            probe=stock.probe,
            settle=timedelta(seconds=2),
            batch_max=stock.BATCH_MAX,
            state=True,
            points=stock.SET_POINTS,
        ),
        Send(
            kind="fulfilment.report",
            run=fulfilment.report,
            probe=fulfilment.probe,
            settle=timedelta(seconds=10),
            points=fulfilment.WORKS_POINTS,
        ),
        Send(
            kind="order.cancel",
            run=cancelling.cancel,
            probe=cancelling.probe,
            settle=timedelta(seconds=10),
            points=cancelling.STATE_POINTS,
        ),
    ),
    loads=(Load(name="orders", fetch=fetch_open, decode=decode_page),),
    directory=directory,
    lookups=("carriers", "taxes", "tenders"),
)
