"""How a till receipt is known to the hub, whatever it was written in."""

from typing import Final

from crossdock.canonical.receipts import ReceiptKind, ReceiptRef, SaleRecorded
from crossdock.connector_kit.model import Decoded

POSTING: Final = frozenset({ReceiptKind.SALE, ReceiptKind.VOID})


def key_of(ref: ReceiptRef) -> str:
    """The natural key: a till's numbers belong to the store's business day, not to the calendar's."""
    return f"receipt/{ref.store}/{ref.till}/{ref.business_day.isoformat()}/{ref.sequence}"


def record(document: SaleRecorded) -> Decoded:
    """Known by its number: the same receipt in another file is the same event.

    A parked or abandoned receipt may be finished later under the same number, so those are events of their own. A void
    waits for the receipt that it takes back.
    """
    key = key_of(document.ref)
    return Decoded(
        document=document,
        key=key,
        event_id=key if document.kind in POSTING else f"{key}/{document.kind}",
        waits_for=key_of(document.voids) if document.voids else "",
    )
