"""How a till receipt is known to the hub, whatever it was written in."""

from crossdock.canonical.orders import Person
from crossdock.canonical.receipts import ReceiptRef, SaleRecorded, content_of
from crossdock.connector_kit.model import Decoded


def key_of(ref: ReceiptRef) -> str:
    """The natural key: a till's numbers belong to the store's business day, not to the calendar's."""
    return f"receipt/{ref.store}/{ref.till}/{ref.business_day.isoformat()}/{ref.sequence}"


def record(document: SaleRecorded, persons: tuple[Person, ...] = ()) -> Decoded:
    """Known by its number and what it says: the same receipt in another file is the same event.

    A number that comes again with other content is another event: a parked basket that was finished, or a
    contradiction that somebody must see. A void waits for the receipt that it takes back. The document does not name
    *persons*: they are told so that the file can be found when one of them wants to be forgotten.
    """
    key = key_of(document.ref)
    return Decoded(
        document=document,
        key=key,
        event_id=f"{key}/{content_of(document)}",
        waits_for=key_of(document.voids) if document.voids else "",
        persons=persons,
    )
