"""A real ERP (Tryton 8.0, a process of its own) that a rehearsal's retailer lives in. See README.md."""

from crossdock.simulation.erp.books import Books, InvoiceSeen, JournalSeen, LedgerLine, SaleSeen, ShipmentSeen
from crossdock.simulation.erp.errors import ErpError, ErpRefusedError
from crossdock.simulation.erp.model import (
    AccountKind,
    AccountSeed,
    ItemSeed,
    JournalSeed,
    LocationSeed,
    PartySeed,
    RetailerSeed,
    ServiceSeed,
    StockSeed,
    TaxSeed,
)
from crossdock.simulation.erp.progress import Progress, Report, Step, unreported
from crossdock.simulation.erp.rpc import Rpc, Value
from crossdock.simulation.erp.running import Erp, prepare, running_erp
from crossdock.simulation.erp.server import PASSWORD

__all__ = [
    "PASSWORD",
    "AccountKind",
    "AccountSeed",
    "Books",
    "Erp",
    "ErpError",
    "ErpRefusedError",
    "InvoiceSeen",
    "ItemSeed",
    "JournalSeed",
    "JournalSeen",
    "LedgerLine",
    "LocationSeed",
    "PartySeed",
    "Progress",
    "Report",
    "RetailerSeed",
    "Rpc",
    "SaleSeen",
    "ServiceSeed",
    "ShipmentSeen",
    "Step",
    "StockSeed",
    "TaxSeed",
    "Value",
    "prepare",
    "running_erp",
    "unreported",
]
