"""`inventorySetQuantities` and `inventoryAdjustQuantities`: compare-and-set, all or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from crossdock.simulation.shop.api.fields_catalogue import Item, item_of, location_of, utc
from crossdock.simulation.shop.api.fields_fulfilment import PROBLEM, Payload, Problem
from crossdock.simulation.shop.api.table import Arguments, Call, Table, bad_request, table
from crossdock.simulation.shop.model import Level, Location, QuantityName
from crossdock.simulation.shop.rest_parts import gid

QUANTITY_MAX: Final = 1_000_000_000
SET_MAX: Final = 250
REASONS: Final = frozenset(
    [
        "correction",
        "cycle_count_available",
        "damaged",
        "movement_canceled",
        "movement_created",
        "movement_received",
        "movement_updated",
        "other",
        "promotion",
        "quality_control",
        "received",
        "reservation_created",
        "reservation_deleted",
        "reservation_updated",
        "restock",
        "safety_stock",
        "shrinkage",
    ]
)
ADJUSTABLE: Final[dict[str, QuantityName]] = {
    "available": "available",
    "damaged": "damaged",
    "incoming": "incoming",
    "quality_control": "quality_control",
    "reserved": "reserved",
    "safety_stock": "safety_stock",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One number that was changed."""

    name: str
    delta: int
    after: int
    item: Item
    location: Location
    ledger_document: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """Everything one call changed."""

    id: int
    created_at: datetime
    reason: str
    reference: str | None
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class _Target:
    item: Item
    location: Location
    level: Level


_Delta = tuple[_Target, QuantityName, int, str | None]
"""Where, which state, how many, and the ledger document."""


def set_quantities(call: Call) -> Payload:
    """Set `available` or `on_hand` to absolute values; one wrong entry and nothing is set."""
    asked = call.arguments.record("input")
    entries = asked.records("quantities")
    _demand_comparison(entries, "InventoryQuantityInput")
    if len(entries) > SET_MAX:
        raise bad_request(f"The input array size of {len(entries)} is greater than the maximum allowed of {SET_MAX}.")
    name = asked.text("name")
    if name not in ("available", "on_hand"):
        return _no("INVALID_NAME", "The quantity name must be either 'available' or 'on_hand'.", "name")
    problems = _head_problems(asked)
    targets: list[_Target] = []
    seen: set[tuple[int, int]] = set()
    shown: QuantityName = "available" if name == "available" else "on_hand"
    for index, entry in enumerate(entries):
        found = _target(call, entry, "quantities", index)
        if isinstance(found, Problem):
            problems.append(found)
            continue
        problems.extend(_set_problems(found, entry, shown, index, seen))
        targets.append(found)
    if problems:
        return Payload(tuple(problems))
    # Setting on_hand moves `available`: nothing else of what is on hand is ours to change.
    deltas: list[_Delta] = [
        (target, "available", entry.whole("quantity") - target.level.quantity(shown), None)
        for target, entry in zip(targets, entries, strict=True)
    ]
    return _apply(call, asked, deltas)


def adjust_quantities(call: Call) -> Payload:
    """Add to or take from one state; one wrong entry and nothing is changed."""
    asked = call.arguments.record("input")
    entries = asked.records("changes")
    _demand_comparison(entries, "InventoryChangeInput")
    name = ADJUSTABLE.get(asked.text("name"))
    if name is None:
        return _no("INVALID_QUANTITY_NAME", "The specified quantity name is invalid.", "name")
    problems = _head_problems(asked)
    documents = {entry.text_or_none("ledgerDocumentUri") for entry in entries}
    problems.extend(_document_problems(documents, name))
    deltas: list[_Delta] = []
    for index, entry in enumerate(entries):
        found = _target(call, entry, "changes", index)
        if isinstance(found, Problem):
            problems.append(found)
            continue
        if _is_stale(entry, found.level.quantity(name)):
            problems.append(_stale("changes", index))
        if abs(found.level.quantity(name) + entry.whole("delta")) > QUANTITY_MAX:
            problems.append(_problem("INVALID_QUANTITY_TOO_HIGH", "The quantity is out of range.", "changes", index))
        deltas.append((found, name, entry.whole("delta"), entry.text_or_none("ledgerDocumentUri")))
    return Payload(tuple(problems)) if problems else _apply(call, asked, deltas)


def _demand_comparison(entries: Sequence[Arguments], kind: str) -> None:
    """The schema calls it optional; the vendor refuses calls without it all the same, null included as a choice."""
    if any(not entry.has("changeFromQuantity") for entry in entries):
        raise bad_request(f"{kind} must include the following argument: changeFromQuantity.", "INVALID_FIELD_ARGUMENTS")


def _head_problems(asked: Arguments) -> list[Problem]:
    problems: list[Problem] = []
    if asked.text("reason") not in REASONS:
        problems.append(Problem("The specified reason is invalid.", ("input", "reason"), "INVALID_REASON"))
    reference = asked.text_or_none("referenceDocumentUri")
    if reference is not None and not _is_document(reference):
        text = "The specified reference document is invalid."
        problems.append(Problem(text, ("input", "referenceDocumentUri"), "INVALID_REFERENCE_DOCUMENT"))
    return problems


def _is_document(uri: str) -> bool:
    parts = urlsplit(uri)
    if parts.scheme == "gid":
        return bool(parts.netloc) and len([piece for piece in parts.path.split("/") if piece]) == len(("kind", "id"))
    return bool(parts.scheme) and bool(parts.netloc or parts.path)


def _target(call: Call, entry: Arguments, place: str, index: int) -> _Target | Problem:
    item, location = item_of(call, entry.text("inventoryItemId")), location_of(call, entry.text("locationId"))
    if item is None:
        text = "The specified inventory item could not be found."
        return _problem("INVALID_INVENTORY_ITEM", text, place, index, "inventoryItemId")
    if location is None:
        return _problem("INVALID_LOCATION", "The specified location could not be found.", place, index, "locationId")
    return _Target(item, location, call.books.stock.levels[item.id, location.id])


def _set_problems(
    target: _Target, entry: Arguments, name: QuantityName, index: int, seen: set[tuple[int, int]]
) -> list[Problem]:
    problems: list[Problem] = []
    key = (target.item.id, target.location.id)
    if key in seen:
        text = "The combination of inventoryItemId and locationId must be unique."
        problems.append(_problem("NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR", text, "quantities", index))
    seen.add(key)
    if entry.whole("quantity") < 0:
        text = "The quantity can't be negative."
        problems.append(_problem("INVALID_QUANTITY_NEGATIVE", text, "quantities", index, "quantity"))
    if entry.whole("quantity") > QUANTITY_MAX:
        text = "The total quantity can't be higher than 1,000,000,000."
        problems.append(_problem("INVALID_QUANTITY_TOO_HIGH", text, "quantities", index, "quantity"))
    if _is_stale(entry, target.level.quantity(name)):
        problems.append(_stale("quantities", index))
    return problems


def _is_stale(entry: Arguments, held: int) -> bool:
    expected = entry.whole_or_none("changeFromQuantity")
    return expected is not None and expected != held


def _stale(place: str, index: int) -> Problem:
    text = "The changeFromQuantity argument no longer matches the persisted quantity."
    return _problem("CHANGE_FROM_QUANTITY_STALE", text, place, index, "changeFromQuantity")


def _document_problems(documents: set[str | None], name: QuantityName) -> list[Problem]:
    field = ("input", "changes", "ledgerDocumentUri")
    if name == "available":
        text = "A ledger document URI is not allowed when adjusting available."
        return [] if documents <= {None} else [Problem(text, field, "INVALID_AVAILABLE_DOCUMENT")]
    if None in documents:
        text = "A ledger document URI is required except when adjusting available."
        return [Problem(text, field, "INVALID_QUANTITY_DOCUMENT")]
    if any(each is not None and each.startswith("gid://shopify/") for each in documents):
        text = "Internal (gid://shopify/) ledger documents are not allowed to be adjusted via API."
        return [Problem(text, field, "INTERNAL_LEDGER_DOCUMENT")]
    if len(documents) > 1:
        return [Problem("All changes must have the same ledger document URI.", field, "MAX_ONE_LEDGER_DOCUMENT")]
    return []


def _apply(call: Call, asked: Arguments, deltas: Sequence[_Delta]) -> Payload:
    call.shop.begin_action()
    now, reference = call.books.second(), asked.text_or_none("referenceDocumentUri")
    changes: list[Change] = []
    for target, name, delta, document in deltas:
        if delta:
            key = (target.item.id, target.location.id)
            call.books.stock.shift(key, {name: delta}, at=now, cause="api", reference=reference or asked.text("reason"))
        shown: tuple[QuantityName, ...] = (name,) if name == "incoming" else (name, "on_hand")
        changes.extend(
            Change(each, delta, target.level.quantity(each), target.item, target.location, document) for each in shown
        )
    group = Group(next(call.books.ids), now, asked.text("reason"), reference, tuple(changes))
    return Payload(result=group)


def _problem(code: str, text: str, place: str, index: int, *rest: str) -> Problem:
    return Problem(text, ("input", place, str(index), *rest), code)


def _no(code: str, text: str, field: str) -> Payload:
    return Payload((Problem(text, ("input", field), code),))


_PAYLOAD: Final[Table] = table(
    Payload, {"inventoryAdjustmentGroup": lambda it, _: it.result, "userErrors": lambda it, _: it.problems}
)
TABLES: Final[dict[str, Table]] = {
    "InventorySetQuantitiesUserError": PROBLEM,
    "InventoryAdjustQuantitiesUserError": PROBLEM,
    "InventorySetQuantitiesPayload": _PAYLOAD,
    "InventoryAdjustQuantitiesPayload": _PAYLOAD,
    "InventoryAdjustmentGroup": table(
        Group,
        {
            "id": lambda it, _: gid("InventoryAdjustmentGroup", it.id),
            "createdAt": lambda it, _: utc(it.created_at),
            "reason": lambda it, _: it.reason,
            "referenceDocumentUri": lambda it, _: it.reference,
            "changes": lambda it, _: it.changes,
        },
    ),
    "InventoryChange": table(
        Change,
        {
            "name": lambda it, _: it.name,
            "delta": lambda it, _: it.delta,
            "quantityAfterChange": lambda it, _: it.after,
            "item": lambda it, _: it.item,
            "location": lambda it, _: it.location,
            "ledgerDocumentUri": lambda it, _: it.ledger_document,
        },
    ),
}
