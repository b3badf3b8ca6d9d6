"""Tryton 8.0: the retailer's ERP, over its JSON-RPC. GPL software that we talk to and never import."""

from datetime import timedelta
from typing import Final

from crossdock.connector_kit import setting
from crossdock.connector_kit.model import Connector, Decoder, Limits, Load, Pull, Role, Send, Setting
from crossdock.connectors.tryton import books, cancellations, changes, invoices, loads, sales, shipments, stock
from crossdock.connectors.tryton.check import check
from crossdock.connectors.tryton.feeds import OVERLAP, Feed, fetch

SETTLE: Final = timedelta(seconds=10)
"""Tryton may still be at work on a call whose answer we have lost."""
SETTLE_LONG: Final = timedelta(seconds=60)
"""A store day takes several calls of seconds each."""


def _pull(name: str, feed: Feed, decode: Decoder, *, every_s: int = 30) -> Pull:
    return Pull(
        name=name,
        fetch=lambda session, cursor: fetch(session, feed, cursor),
        decode=decode,
        every=timedelta(seconds=every_s),
        overlap=OVERLAP,
    )


CONNECTOR: Final = Connector(
    name="tryton",
    title="Tryton 8.0",
    role=Role.ERP,
    summary="Posts and cancels sales, posts shipments, invoices, journals, goods issues, transfers and counts; reads items, stock and changes.",
    settings=(
        Setting(name="url", title="Address", help="e.g. https://erp.example.com", refuse=setting.web_address),
        Setting(name="database", title="Database", help="Name of the database on that server."),
        Setting(name="user", title="User", help="A user for the hub alone: what it makes is recognised as ours."),
        Setting(name="password", title="Password", help="Of that user.", secret=True),
        Setting(name="journal", title="Journal", help="Code of the journal that store days are posted to."),
        Setting(name="web_customer", title="Web customer", help="Code of the party for orders without a customer."),
        Setting(name="walk_in", title="Walk-in customer", help="Code of the party that till goods are issued to."),
        Setting(name="rounding_item", title="Rounding item", help="Code of the service item for cents of difference."),
        Setting(
            name="rounding_max",
            title="Largest rounding",
            help="A sale whose total differs by more is refused and shown to a person.",
            default="0.50",
            refuse=setting.amount,
        ),
        Setting(
            name="customers",
            title="Parties",
            help="One party per customer, or the web customer for all.",
            default="each",
            choices=("each", "one"),
        ),
        Setting(
            name="warehouse",
            title="Warehouse on sales",
            help="Code of the warehouse that a sale names before it is shipped; empty: any.",
            default="",
        ),
    ),
    limits=Limits(requests_per_s=40, burst=40, concurrency=4),
    check=check,
    sends=(
        Send(kind="sale.post", run=sales.post_sales, probe=sales.probe_sale, settle=SETTLE),
        # Stock and document numbers are claimed under locks that Tryton does not wait for: one at a time.
        Send(
            kind="shipment.post",
            run=shipments.post_shipments,
            probe=shipments.probe_shipment,
            settle=SETTLE,
            serial=True,
        ),
        Send(kind="invoice.post", run=invoices.post_invoices, probe=invoices.probe_invoice, settle=SETTLE, serial=True),
        Send(
            kind="sale.cancel",
            run=cancellations.cancel_sales,
            probe=cancellations.probe_cancellation,
            settle=SETTLE,
            serial=True,
        ),
        Send(kind="journal.post", run=books.post_journals, probe=books.probe_journal, settle=SETTLE, serial=True),
        Send(
            kind="goods_issue.post",
            run=stock.post_goods_issues,
            probe=stock.probe_goods_issue,
            settle=SETTLE_LONG,  # forced goods claim nothing, so stores may go side by side
        ),
        Send(kind="transfer.post", run=stock.post_transfers, probe=stock.probe_transfer, settle=SETTLE, serial=True),
        Send(kind="count.post", run=stock.post_counts, probe=stock.probe_count, settle=SETTLE, serial=True),
    ),
    pulls=(
        _pull("sales", changes.SALES, changes.seen("sale.sale", "sale", "web_id")),
        _pull("shipments", changes.SHIPMENTS, changes.seen("stock.shipment.out", "shipment", "reference")),
        _pull("returns", changes.RETURNS, changes.seen("stock.shipment.out.return", "return", "reference")),
        _pull("transfers", changes.TRANSFERS, changes.seen("stock.shipment.internal", "transfer", "reference")),
        _pull("counts", changes.COUNTS, changes.seen("stock.inventory", "count", "number")),
        _pull("invoices", changes.INVOICES, changes.seen("account.invoice", "invoice", "reference")),
        _pull("journals", changes.JOURNALS, changes.seen("account.move", "journal", "description")),
        _pull("floor", changes.FLOOR, changes.decode_floor, every_s=10),
        _pull("items", changes.ITEMS, changes.decode_items, every_s=60),
        _pull("item_templates", changes.TEMPLATES, changes.decode_items, every_s=60),
    ),
    loads=(
        Load(name="items", fetch=loads.fetch_items, decode=changes.decode_items),
        Load(name="stock", fetch=loads.fetch_stock, decode=loads.decode_stock),
    ),
    directory=loads.directory,
    lookups=("tax", "account", "charge", "web_shop"),
)
