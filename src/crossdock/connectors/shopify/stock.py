"""Stock to the shop: absolute `available` per item and location, by compare-and-set, many in one call.

The vendor takes a call whole or not at all. What it denies is told apart by reading, and the others are sent once more
without it, so that one item does not hold up its neighbours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from hashlib import sha256
from typing import Final
from uuid import UUID

import msgspec

from crossdock.canonical.intents import IntentDocument, PublishStock
from crossdock.connector_kit.model import Absent, Found, Landed, Outcome, Refused, Stale
from crossdock.connector_kit.record import Record
from crossdock.connector_kit.session import Session
from crossdock.connector_kit.verdict import CallFailed, Verdict
from crossdock.connectors.shopify.api import drift_means, read, write
from crossdock.connectors.shopify.places import place_of

BATCH_MAX: Final = 250
ROUNDS_MAX: Final = 3
SET_POINTS: Final = 10.0
LEVEL_POINTS: Final = 3.0
READ_MAX: Final = 200
"""Items per question: each costs the item, its level and one quantity."""
STALE: Final = "CHANGE_FROM_QUANTITY_STALE"

SET: Final = """
mutation ($key: String!, $input: InventorySetQuantitiesInput!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id }
    userErrors { code field message }
  }
}
"""
LEVELS: Final = """
query ($ids: [ID!]!, $location: ID!) {
  nodes(ids: $ids) {
    ... on InventoryItem { id inventoryLevel(locationId: $location) { quantities(names: ["available"]) { quantity } } }
  }
}
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One number on its way."""

    position: int
    """Of its document in the batch."""
    reference: str
    version: int
    item: str
    location: str
    quantity: int
    expected: int


Level = tuple[str, str]
"""Item and location, as global ids."""


async def publish(session: Session, documents: Sequence[IntentDocument]) -> Sequence[Outcome]:
    """Set every document's number, if the shop still holds what it last confirmed."""
    intents = [document for document in documents if isinstance(document, PublishStock)]
    assert len(intents) == len(documents), documents
    with drift_means(Verdict.REFUSED):
        return await _publish(session, intents)


async def _publish(session: Session, intents: Sequence[PublishStock]) -> Sequence[Outcome]:
    targets = await _targets(session, intents)
    unknown = [target for target, intent in zip(targets, intents, strict=True) if intent.last_confirmed is None]
    held = await _held(session, unknown)
    outcomes: dict[int, Outcome] = {}
    entries: list[Entry] = []
    for position, (target, intent) in enumerate(zip(targets, intents, strict=True)):
        expected = held.get(target) if intent.last_confirmed is None else whole(intent.last_confirmed)
        if expected is None:
            outcomes[position] = Refused(reason="the shop does not stock the item at that location", path="$.sku")
            continue
        entries.append(Entry(position, intent.reference, intent.version, *target, whole(intent.quantity), expected))
    outcomes |= await _set(session, entries)
    return [outcomes[position] for position in range(len(intents))]


async def probe(session: Session, document: IntentDocument) -> Found:
    """Does the shop hold the number? If not, it was not set, or something was sold since: decide anew either way."""
    assert isinstance(document, PublishStock), document
    with drift_means(Verdict.REFUSED):
        target = (await _targets(session, [document]))[0]
        held = await _held(session, [target])
    if held.get(target) == whole(document.quantity):
        return Landed(document_id=target[0])
    return Absent()


def whole(quantity: Decimal) -> int:
    """The shop counts whole units: never one more than there is, never below none."""
    return max(0, int(quantity.to_integral_value(ROUND_FLOOR)))


def idempotency_key(entries: Sequence[Entry], spent: int) -> str:
    """The same numbers of the same versions have the same key; *spent* keys have failed inside the shop.

    The version matters: stock that goes 9 → 5 → 9 → 5 within a day would otherwise meet its own old answer.
    """
    content = msgspec.json.encode([entries, spent])
    return str(UUID(bytes=sha256(content).digest()[:16], version=5))


async def _targets(session: Session, intents: Sequence[PublishStock]) -> Sequence[Level]:
    items = await session.identities.theirs("sku", list(dict.fromkeys(intent.sku for intent in intents)))
    places = {code: await place_of(session, code) for code in dict.fromkeys(intent.location for intent in intents)}
    return [(items[intent.sku], places[intent.location]) for intent in intents]


async def _set(session: Session, entries: Sequence[Entry]) -> Mapping[int, Outcome]:
    """Send; what the shop denies is settled by itself and the rest goes once more."""
    outcomes: dict[int, Outcome] = {}
    left = list(entries)
    for _ in range(ROUNDS_MAX):
        if not left:
            return outcomes
        payload = await _send(session, left)
        denied = _denied(payload)
        if not denied:
            group = payload.one_or_none("inventoryAdjustmentGroup")
            done = {each.position: Landed(document_id=group.text("id") if group else each.item) for each in left}
            return outcomes | done
        stale = [left[index] for index, (code, _) in denied.items() if code == STALE]
        held = await _held(session, [(each.item, each.location) for each in stale])
        for index, (code, reason) in denied.items():
            outcomes[left[index].position] = _no(left[index], code, reason, held)
        left = [each for index, each in enumerate(left) if index not in denied]
    held = await _held(session, [(each.item, each.location) for each in left])
    waiting = "others of its batch were denied again and again; it was not sent"
    return outcomes | {each.position: _no(each, STALE, waiting, held) for each in left}


def _no(entry: Entry, code: str, reason: str, held: Mapping[Level, int]) -> Outcome:
    current = held.get((entry.item, entry.location))
    if code == STALE and current is not None:
        return Stale(current=str(current), reason=reason)
    return Refused(reason=reason, code=code)


async def _send(session: Session, entries: Sequence[Entry]) -> Record:
    counter = f"spent/{idempotency_key(entries, 0)}"
    key = idempotency_key(entries, int(session.memory.get(counter, "0")))
    quantities = [
        {
            "inventoryItemId": each.item,
            "locationId": each.location,
            "quantity": each.quantity,
            "changeFromQuantity": each.expected,
        }
        for each in entries
    ]
    given = {"name": "available", "reason": "correction", "quantities": quantities}
    answer = await write(session, SET, {"key": key, "input": given}, points=SET_POINTS)
    with drift_means(Verdict.UNKNOWN):
        payload = answer.data.one("inventorySetQuantities")
        codes = {problem.text_or_empty("code") for problem in payload.each("userErrors")}
    if "IDEMPOTENCY_CONCURRENT_REQUEST" in codes:
        raise CallFailed(Verdict.UNKNOWN, "the shop is still working on the same call")
    if "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED" in codes:
        session.memory[counter] = str(int(session.memory.get(counter, "0")) + 1)
        raise CallFailed(Verdict.NOT_SENT, "an earlier try failed inside the shop; the next one has a new key")
    if "IDEMPOTENCY_KEY_PARAMETER_MISMATCH" in codes:
        raise CallFailed(Verdict.REFUSED, "the shop knows the idempotency key for another call")
    session.memory.pop(counter, None)
    return payload


def _denied(payload: Record) -> Mapping[int, tuple[str, str]]:
    """Code and reason by position in the call; an error that names no position denies the call as a whole."""
    denied: dict[int, tuple[str, str]] = {}
    for problem in payload.each("userErrors"):
        code, reason = problem.text_or_empty("code"), problem.text("message")
        path = problem.texts("field")
        position = next((int(step) for step in path if step.isdecimal()), None)
        if position is None:
            raise CallFailed(Verdict.REFUSED, reason, path=".".join(path), code=code)
        denied.setdefault(position, (code, reason))
    return denied


async def _held(session: Session, levels: Sequence[Level]) -> Mapping[Level, int]:
    """What the shop holds `available` now; levels it does not have are left out."""
    by_location: dict[str, list[str]] = {}
    for item, location in dict.fromkeys(levels):
        by_location.setdefault(location, []).append(item)
    held: dict[Level, int] = {}
    for location, items in by_location.items():
        for start in range(0, len(items), READ_MAX):
            ids = items[start : start + READ_MAX]
            answer = await read(session, LEVELS, {"ids": ids, "location": location}, points=LEVEL_POINTS * len(ids))
            for node in answer.data.each("nodes"):
                level = node.one_or_none("inventoryLevel")
                if level is not None:
                    held[node.text("id"), location] = next(level.each("quantities")).whole("quantity")
    return held
