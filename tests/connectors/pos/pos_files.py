"""Small POSLog files made by hand, and a message around them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from crossdock.canonical.base import ConnectionName
from crossdock.canonical.receipts import SaleRecorded
from crossdock.connector_kit.model import Damaged, Decoded, Decoder, Received
from crossdock.connectors.pos import CONNECTOR

NAMESPACE = "http://www.nrf-arts.org/IXRetail/namespace/"
HEAD = """<RetailStoreID>7</RetailStoreID><WorkstationID>2</WorkstationID><SequenceNumber>41</SequenceNumber>
<BusinessDayDate>2026-11-27</BusinessDayDate><EndDateTime>2026-11-27T18:05:00</EndDateTime>
<CurrencyCode>USD</CurrencyCode>"""


def received(body: bytes | str, **settings: str) -> Received:
    return Received(
        connection=ConnectionName("tills"),
        feed="poslog",
        body=body.encode() if isinstance(body, str) else body,
        headers={},
        received_at=datetime(2026, 11, 28, tzinfo=UTC),
        settings={setting.name: setting.default or "" for setting in CONNECTOR.settings} | settings,
        zones={"7": ZoneInfo("America/New_York"), "9": ZoneInfo("America/New_York")},
    )


def poslog(*transactions: str, namespace: str = NAMESPACE) -> str:
    return f'<POSLog xmlns="{namespace}">{"".join(transactions)}</POSLog>'


def transaction(content: str, head: str = HEAD, **attributes: str) -> str:
    words = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f"<Transaction{words}>{head}{content}</Transaction>"


def sale(*items: str, total: str = "", status: str = "Finished") -> str:
    stated = f'<Total TotalType="TransactionGrandAmount">{total}</Total>' if total else ""
    return transaction(f'<RetailTransaction TransactionStatus="{status}">{"".join(items)}{stated}</RetailTransaction>')


def goods(
    amount: str = "3.00",
    quantity: str = "1",
    *,
    element: str = "Sale",
    more: str = "",
    flags: str = "",
    sku: str = "A1",
) -> str:
    return (
        f"<LineItem {flags}><{element}><ItemID>{sku}</ItemID><ExtendedAmount>{amount}</ExtendedAmount>"
        f"<Quantity>{quantity}</Quantity>{more}</{element}></LineItem>"
    )


def tender(amount: str, kind: str = "Cash", code: str = "Sale", more: str = "") -> str:
    return (
        f'<LineItem><Tender TenderType="{kind}" TypeCode="{code}"><Amount>{amount}</Amount>{more}</Tender></LineItem>'
    )


def tax(amount: str, percent: str = "20") -> str:
    return f"<Tax><Amount>{amount}</Amount><Percent>{percent}</Percent></Tax>"


def read(decode: Decoder, message: Received) -> list[Decoded | Damaged]:
    return list(decode(message))


def receipt(found: Decoded | Damaged) -> SaleRecorded:
    assert isinstance(found, Decoded), found
    assert isinstance(found.document, SaleRecorded)
    return found.document


def damage(found: Decoded | Damaged) -> str:
    assert isinstance(found, Damaged), found
    return str(found.error)


def figures(document: SaleRecorded) -> Mapping[str, str]:
    """The money of a receipt, for comparing at a glance."""
    return {
        "total": str(document.total),
        "lines": str(document.lines_total),
        "tenders": str(sum(tender.amount for tender in document.tenders)),
        "tax": str(sum(line.sign * line.tax for line in document.lines)),
    }
