"""What the ERP says of itself, read for the auditor: stock, sales, shipments, invoices and the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from crossdock.simulation.erp.rpc import Row, Rpc

_ITEMS_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleSeen:
    """A sale in any state."""

    web_id: str
    reference: str
    number: str
    state: str
    shipment_state: str
    invoice_state: str
    total: Decimal
    tax: Decimal
    lines: Mapping[str, Decimal]
    """Quantity by item code; lines without stock (rounding, charges) included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentSeen:
    """Goods that leave (`out`), come back (`return`) or change place (`internal`)."""

    kind: str
    reference: str
    number: str
    state: str
    warehouse: str
    effective: date | None
    lines: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceSeen:
    """A customer invoice."""

    number: str
    state: str
    day: date | None
    total: Decimal
    tax: Decimal
    sales: tuple[str, ...]
    """web_id of the sales that it bills."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLine:
    """One side of a ledger entry."""

    account: str
    debit: Decimal
    credit: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalSeen:
    """A posted entry of the general ledger."""

    number: str
    journal: str
    reference: str
    """The description, which carries our reference."""
    day: date | None
    origin: str
    lines: tuple[LedgerLine, ...]


class Books:
    """Reads only. Blocking; not for several threads at once."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc

    def stock(self) -> Mapping[tuple[str, str], Decimal]:
        """(sku, location) → what is physically there; zeros are left out."""
        found: dict[tuple[str, str], Decimal] = {}
        items = [row.id for row in self._rpc.read_all("product.product", [["type", "=", "goods"]], ["code"])]
        for warehouse in self._rpc.read_all("stock.location", [["type", "=", "warehouse"]], ["code"]):
            for start in range(0, len(items), _ITEMS_AT_ONCE):
                said = self._rpc.call(
                    "model.product.product.read", items[start : start + _ITEMS_AT_ONCE], ["code", "quantity"],
                    context={"locations": [warehouse.id], "with_childs": True, "stock_date_end": None},
                )  # fmt: skip
                assert isinstance(said, list)
                for row in map(Row, said):
                    if row.number("quantity"):
                        found[row.text("code"), warehouse.text("code")] = row.number("quantity")
        return found

    def sales(self) -> list[SaleSeen]:
        """Every sale, oldest first."""
        codes = self._codes("product.product")
        goods: dict[int, dict[str, Decimal]] = {}
        for line in self._rpc.read_all("sale.line", [["type", "=", "line"]], ["sale", "product", "quantity"]):
            _add(goods.setdefault(line.whole("sale"), {}), codes, line)
        fields = [
            "web_id", "reference", "number", "state", "shipment_state", "invoice_state", "total_amount", "tax_amount",
        ]  # fmt: skip
        return [
            SaleSeen(
                web_id=row.text("web_id"), reference=row.text("reference"), number=row.text("number"),
                state=row.text("state"), shipment_state=row.text("shipment_state"),
                invoice_state=row.text("invoice_state"), total=row.number("total_amount"), tax=row.number("tax_amount"),
                lines=goods.get(row.id, {}),
            )
            for row in self._rpc.read_all("sale.sale", [], fields)
        ]  # fmt: skip

    def shipments(self) -> list[ShipmentSeen]:
        """Customer shipments, customer returns and internal shipments."""
        out = self._shipments("out", "stock.shipment.out", "warehouse", "outgoing_moves")
        returns = self._shipments("return", "stock.shipment.out.return", "warehouse", "incoming_moves")
        return [
            *out,
            *returns,
            *self._shipments("internal", "stock.shipment.internal", "from_location", "outgoing_moves"),
        ]

    def _shipments(self, kind: str, model: str, place: str, moves: str) -> list[ShipmentSeen]:
        codes = self._codes("product.product")
        places = self._codes("stock.location")
        rows = self._rpc.read_all(model, [], ["reference", "number", "state", place, "effective_date", moves])
        wanted = [move for row in rows for move in row.ids(moves)]
        lines = {
            row.id: row for row in self._rpc.read_all("stock.move", [["id", "in", wanted]], ["product", "quantity"])
        }
        seen: list[ShipmentSeen] = []
        for row in rows:
            goods: dict[str, Decimal] = {}
            for move in row.ids(moves):
                _add(goods, codes, lines[move])
            seen.append(
                ShipmentSeen(
                    kind=kind, reference=row.text("reference"), number=row.text("number"), state=row.text("state"),
                    warehouse=places.get(row.whole(place), ""), effective=row.day("effective_date"), lines=goods,
                )
            )  # fmt: skip
        return seen

    def invoices(self) -> list[InvoiceSeen]:
        """Customer invoices with the web orders that they bill."""
        sales: dict[int, list[str]] = {}
        for sale in self._rpc.read_all("sale.sale", [], ["web_id", "invoices"]):
            for invoice in sale.ids("invoices"):
                sales.setdefault(invoice, []).append(sale.text("web_id"))
        fields = ["number", "state", "invoice_date", "total_amount", "tax_amount"]
        return [
            InvoiceSeen(
                number=row.text("number"), state=row.text("state"), day=row.day("invoice_date"),
                total=row.number("total_amount"), tax=row.number("tax_amount"), sales=tuple(sales.get(row.id, ())),
            )
            for row in self._rpc.read_all("account.invoice", [["type", "=", "out"]], fields)
        ]  # fmt: skip

    def journals(self) -> list[JournalSeen]:
        """Posted ledger entries, those of invoices included (their `origin` says so)."""
        accounts = self._codes("account.account")
        journals = self._codes("account.journal")
        lines: dict[int, list[LedgerLine]] = {}
        for line in self._rpc.read_all("account.move.line", [], ["move", "account", "debit", "credit"]):
            side = LedgerLine(
                account=accounts.get(line.whole("account"), ""),
                debit=line.number("debit"),
                credit=line.number("credit"),
            )
            lines.setdefault(line.whole("move"), []).append(side)
        fields = ["number", "journal", "description", "date", "origin"]
        return [
            JournalSeen(
                number=row.text("number"), journal=journals.get(row.whole("journal"), ""),
                reference=row.text("description"), day=row.day("date"), origin=row.text("origin"),
                lines=tuple(lines.get(row.id, ())),
            )
            for row in self._rpc.read_all("account.move", [["state", "=", "posted"]], fields)
        ]  # fmt: skip

    def _codes(self, model: str) -> Mapping[int, str]:
        return {row.id: row.text("code") for row in self._rpc.read_all(model, [], ["code"])}


def _add(goods: dict[str, Decimal], codes: Mapping[int, str], line: Row) -> None:
    code = codes.get(line.whole("product"), "")
    goods[code] = goods.get(code, Decimal(0)) + line.number("quantity")
