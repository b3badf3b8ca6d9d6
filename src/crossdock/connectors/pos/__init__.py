"""Store tills: receipts as POSLog XML (both dialects) or newline-delimited JSON, by file drop or HTTP upload."""

from typing import Final

from crossdock.connector_kit import setting
from crossdock.connector_kit.endings import ends_its_root, ends_with_a_line
from crossdock.connector_kit.model import Connector, FileDrop, Limits, Role, Setting
from crossdock.connectors.pos.ndjson import decode_ndjson
from crossdock.connectors.pos.poslog import decode_poslog

MARKER: Final = ".complete"

CONNECTOR: Final = Connector(
    name="pos",
    title="Store tills (POSLog, JSON)",
    role=Role.TILLS,
    summary="Reads till receipts as ARTS POSLog XML 2.x and 6 or as JSON lines, from a drop folder or by HTTP.",
    settings=(
        Setting(
            name="item_id",
            title="Item number",
            help="Which element of a POSLog line bears your item number; the other one is used where it is missing.",
            default="ItemID",
            choices=("ItemID", "POSItemID"),
        ),
        Setting(
            name="prices_include_tax",
            title="Prices include tax",
            help="For tills that do not say so themselves.",
            default="yes",
            choices=("yes", "no"),
        ),
        Setting(
            name="currency",
            title="Currency",
            help="ISO 4217 code for tills that do not say theirs, anywhere in the receipt; empty: such a receipt is set aside.",
            default="",
            refuse=setting.currency,
        ),
        Setting(
            name="weight_unit",
            title="Unit of weight",
            help="For tills that say an item was weighed but not in what.",
            default="kg",
        ),
    ),
    limits=Limits(requests_per_s=50, burst=50, concurrency=4),
    drops=(
        FileDrop(name="poslog", pattern="*.xml", decode=decode_poslog, ends=ends_its_root),
        FileDrop(name="receipts", pattern="*.ndjson", decode=decode_ndjson, ends=ends_with_a_line),
        FileDrop(name="poslog-marked", pattern="*.poslog", decode=decode_poslog, marker=MARKER),
        FileDrop(name="receipts-marked", pattern="*.jsonl", decode=decode_ndjson, marker=MARKER),
    ),
    uploads=(
        FileDrop(name="poslog", pattern="application/xml", decode=decode_poslog),
        FileDrop(name="poslog", pattern="text/xml", decode=decode_poslog),
        FileDrop(name="receipts", pattern="application/x-ndjson", decode=decode_ndjson),
    ),
    lookups=("locations", "tenders", "taxes"),
)
