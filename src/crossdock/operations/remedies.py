"""Exception type → what it is about and what can be done. Pure: a type without a row can only be closed by a person."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias
from uuid import UUID

from crossdock.operations.model import OpenException
from crossdock.orders.model import HoldCode


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordAbout:
    """One record of a raw message."""

    message_id: UUID
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldAbout:
    """One hold of an order."""

    order_id: UUID
    hold: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentAbout:
    """One refused intent."""

    intent_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseAbout:
    """Every intent of a connection that is parked for one cause."""

    connection: str
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityAbout:
    """Everything on a connection that waits for a kind of identity: intents parked, records set aside."""

    connection: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreAbout:
    """A location that records name and the estate does not have."""

    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionAbout:
    """A connection whose credentials or configuration were refused."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReactionAbout:
    """A fact that one of the hub's reactions broke on; for backorders, the item whose goods came."""

    reactor: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideAbout:
    """Something that is settled out there: in the store, the stock room, the sender's system."""


About: TypeAlias = (
    RecordAbout
    | HoldAbout
    | IntentAbout
    | CauseAbout
    | IdentityAbout
    | StoreAbout
    | ConnectionAbout
    | ReactionAbout
    | OutsideAbout
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """What people can do about a type of exception. Empty text: that step does not exist for it."""

    about: Callable[[str], About]
    """Reads the exception's key."""
    todo: str
    """What to repair first."""
    release: str = ""
    """What `release` then does."""
    dismiss: str = ""
    """What `dismiss` does instead."""


def _record(key: str) -> RecordAbout:
    message, _, number = key.removeprefix("message/").partition("#")
    return RecordAbout(message_id=UUID(message), number=int(number))


def _hold(key: str) -> HoldAbout:
    _, order_id, hold = key.split("/", 2)
    return HoldAbout(order_id=UUID(order_id), hold=hold)


def _intent(key: str) -> IntentAbout:
    return IntentAbout(intent_id=UUID(key.removeprefix("intent/")))


def _cause(key: str) -> CauseAbout:
    _, connection, cause = key.split("/", 2)
    return CauseAbout(connection=connection, cause=cause)


def _identity(key: str) -> IdentityAbout:
    _, connection, kind = key.split("/", 2)
    return IdentityAbout(connection=connection, kind=kind)


def _store(key: str) -> StoreAbout:
    return StoreAbout(code=key.removeprefix("store/"))


def _connection(key: str) -> ConnectionAbout:
    return ConnectionAbout(name=key.removeprefix("connection/"))


def _reaction(key: str) -> ReactionAbout:
    _, reactor, what = key.split("/", 2)
    return ReactionAbout(reactor=reactor, what=what)


def _record_or_outside(key: str) -> RecordAbout | OutsideAbout:
    """The record's own, as soon as inbound has told that it was rejected."""
    return _record(key) if key.startswith("message/") else OutsideAbout()


def _outside(_key: str) -> OutsideAbout:
    return OutsideAbout()


_READ_AGAIN: Final = "read the record again with today's connector, settings and lookups (or with --body)"
_NO_EFFECT: Final = "the record has no effect, and a redelivery of it has none either"
_CLOSE: Final = "close the exception; the hub changes nothing"

HOLD: Final = Remedy(
    about=_hold,
    todo="Remove the reason (describe the item, correct the order, ask the customer), or decide that it is no reason.",
    release="let this hold go; placing checks the order again",
)
HOLDS: Final = frozenset(f"order_{hold.value}" for hold in HoldCode)
LOOK: Final = Remedy(
    about=_outside, todo="Look at it out there, and correct the books by a count or movement.", dismiss=_CLOSE
)
REMEDIES: Final[Mapping[str, Remedy]] = {
    "message_unreadable": Remedy(
        about=_record,
        todo="Correct the connection's settings or lookups, ask the sender, or write a corrected body.",
        release=_READ_AGAIN,
        dismiss=_NO_EFFECT,
    ),
    "message_rejected": Remedy(
        about=_record,
        todo="Clear up the contradiction with the sender, or write a corrected body.",
        release=_READ_AGAIN,
        dismiss=_NO_EFFECT,
    ),
    "transfer_discrepancy": Remedy(
        about=_outside,
        todo="Look for the goods at both ends; `crossdock transfer receive` what turns up, or settle the transfer and "
        "count where they lie. The exception closes by itself then.",
        dismiss=_CLOSE,
    ),
    "message_overdue": Remedy(
        about=_record,
        todo="Find out why the parent has not come: its feed may be silent, or it was set aside.",
        release="try the record once more now",
        dismiss=_NO_EFFECT,
    ),
    "intent_refused": Remedy(
        about=_intent,
        todo="Correct what the target complained about, over there or in the document.",
        release="send it again (with --body: the corrected document)",
        dismiss="withdraw the intent: the target is not told",
    ),
    "intent_parked": Remedy(
        about=_cause,
        todo="Remove the cause: add the lookup, match the identity, repair the target.",
        release="send every intent of this cause on; what may have been applied is looked for first",
    ),
    "identity_missing": Remedy(
        about=_identity,
        todo="Say who is who: `crossdock match CONNECTION KIND --apply`, the rest by hand with `--link OURS=THEIRS`.",
        release="send on and read again whatever has its counterpart by now; what has none stays listed",
        dismiss="records of theirs without a counterpart have no effect; intents stay until they are matched or withdrawn",
    ),
    "connection_broken": Remedy(
        about=_connection,
        todo="Correct the credentials or settings, then run `crossdock connection check`.",
        release="use the connection again and send on what waited for it",
    ),
    "feed_silent": Remedy(
        about=_outside, todo="Ask the sender; the exception closes by itself when the feed speaks.", dismiss=_CLOSE
    ),
    "file_changed": Remedy(
        about=_outside,
        todo="Nothing is lost: what the file holds now was taken, too. Let its sender rename files into place, or write a "
        "marker, or give it a longer `settle_s`; a record of the first version that was cut can be dismissed.",
        dismiss=_CLOSE,
    ),
    "webhooks_refused": Remedy(
        about=_outside,
        todo="The vendor signs with another secret than the connection's: correct the secret (`crossdock connection check`). "
        "What it could not deliver it sends again, or the next poll brings; the exception closes by itself.",
        dismiss=_CLOSE,
    ),
    "requests_refused": Remedy(
        about=_outside,
        todo="Tell the sender what is wrong: nothing of it was taken in. The exception closes by itself when a request of "
        "theirs is; if a key that is valid no more is still used, give that system a new one.",
        dismiss=_CLOSE,
    ),
    "caller_unknown": Remedy(
        about=_outside,
        todo="Somebody sends requests without a key that this hub knows: find out which system has that address, and give "
        "it a key (`crossdock key create`), or shut it out.",
        dismiss=_CLOSE,
    ),
    "files_unclaimed": Remedy(
        about=_outside,
        todo="Move the files into the folder of their connection, or register the connection under that name; the exception "
        "closes by itself when nothing lies there any more.",
        dismiss=_CLOSE,
    ),
    "clock_skew": Remedy(
        about=_outside,
        todo="Set the clock of whoever says so (time, zone, date of a till's business day), or ask them what was meant. "
        "Nothing was refused or changed: correct what was booked on a wrong day by hand.",
        dismiss=_CLOSE,
    ),
    "till_silent": Remedy(
        about=_outside,
        todo="Ask the store: is it closed today, is its line down, is the till out of use? What comes late is welcome; the "
        "exception closes by itself when all of them speak.",
        dismiss=_CLOSE,
    ),
    "receipt_gap": Remedy(
        about=_outside, todo="Ask the store for the missing receipts: late uploads are welcome.", dismiss=_CLOSE
    ),
    "currency_foreign": Remedy(
        about=_outside,
        todo="Decide how money in that currency is booked. Where the ERP's books take it: add it to `till_posting.currencies` "
        "of the estate, map its accounts, apply, and close the days again; the exception then closes by itself. Otherwise "
        "book it by hand.",
        dismiss="close the exception; the money stays out of the journals, and the next receipt in that currency is told again",
    ),
    "receipt_conflict": Remedy(
        about=_record_or_outside,
        todo="Ask the store which of the two receipts is true.",
        release=_READ_AGAIN,
        dismiss=_NO_EFFECT,
    ),
    "receipt_unsound": Remedy(
        about=_outside, todo="The difference stands on the over/short account: ask the store.", dismiss=_CLOSE
    ),
    "item_unknown": Remedy(
        about=_outside,
        todo="Describe the item where items are kept; the exception then closes by itself.",
        dismiss=_CLOSE,
    ),
    "store_unknown": Remedy(
        about=_store,
        todo="Add the store to the estate's locations, or name ours in the connection's lookup, and apply.",
        release="read again what could not be read without the store's time zone",
        dismiss="records that could not be read without it have no effect; what was booked stays booked",
    ),
    "order_backordered": Remedy(
        about=_outside,
        todo="Find the goods, order them (`crossdock expected announce` gives the order a day), or ask the customer and "
        "cancel. The exception closes by itself when all units have goods or a day, and when the order is cancelled.",
        dismiss=_CLOSE,
    ),
    "order_goods_gone": Remedy(
        about=_outside,
        todo="Ask the location whether it has the goods all the same. If not, take the shipment back in the system that was "
        "told to ship it, then find the goods elsewhere or cancel the line.",
        dismiss=_CLOSE,
    ),
    "order_cancelled_after_posting": Remedy(
        about=_outside,
        todo="Undo the documents over there (cancel, credit), as the detail names them; "
        "with a flow `sale.cancel` the hub does it where the connector can.",
        dismiss=_CLOSE,
    ),
    "work_stuck": Remedy(
        about=_outside,
        todo="A part of the hub's own work fails again and again: `crossdock doctor` and the log say of what. Remove the "
        "cause (rights, disk, a setting), or report it; the exception closes by itself when the work gets on.",
        dismiss=_CLOSE,
    ),
    "reaction_failed": Remedy(
        about=_reaction,
        todo="A reaction of the hub broke on this fact: report it with the detail, and install the release that mends it.",
        release="run the reaction on the same fact once more",
        dismiss=_CLOSE,
    ),
}


TYPES: Final = frozenset({*REMEDIES, *HOLDS, "stock_short", "stock_discrepancy"})
"""Every type of exception that this release opens."""


def remedy_of(type_name: str) -> Remedy:
    """What can be done about exceptions of a type."""
    return HOLD if type_name in HOLDS else REMEDIES.get(type_name, LOOK)


def about(exception: OpenException) -> About:
    """What an exception is about, from its type and key."""
    return remedy_of(exception.type).about(exception.key)
