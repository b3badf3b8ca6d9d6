"""Decisions about records: which wave, what state, when to look again. No I/O."""

import re
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import groupby
from typing import Final, assert_never

import msgspec

from crossdock.canonical.base import Document
from crossdock.canonical.orders import OrderChanged, OrderPlaced, Person
from crossdock.canonical.receipts import SaleRecorded
from crossdock.connector_kit.model import Decoded
from crossdock.foundation.misfit import in_their_words, misfits, of_decoder
from crossdock.inbound.model import (
    About,
    Applied,
    Draft,
    Failed,
    Lane,
    Own,
    Postponed,
    RecordState,
    Rejected,
    Repeated,
    Result,
    Settlement,
    StoredMessage,
    StoredRecord,
    Waits,
)
from crossdock.inbound.states import Turn, after

LANES: Final = 64
KEY_MAX: Final = 200
FEED_MAX: Final = 64
NAME_MAX: Final = 255
TEMPORARY: Final = (".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", ".writing", ".uploading", "~")
REASON_MAX: Final = 500
ATTEMPTS_MAX: Final = 5
LOOK_AGAIN_MIN: Final = timedelta(seconds=5)
LOOK_AGAIN_MAX: Final = timedelta(minutes=5)
SECRET_HEADERS: Final = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key"})
_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def lane_of(connection: str, key: str) -> int:
    """The lane of a business key; the same in every process and release."""
    return zlib.crc32(f"{connection}\0{key}".encode()) % LANES


def in_turn(lanes: Sequence[Lane]) -> Sequence[Lane]:
    """Every connection's first lane, then every connection's second: a flood in one does not queue before the rest."""
    seen: Counter[str] = Counter()
    turns: list[tuple[int, Lane]] = []
    for lane in lanes:
        turns.append((seen[lane.connection], lane))
        seen[lane.connection] += 1
    return [lane for _, lane in sorted(turns)]


def bounded(text: str) -> str:
    """A key that any index can hold: what is longer keeps its beginning and a digest of the whole."""
    if len(text) <= KEY_MAX:
        return text
    return f"{text[: KEY_MAX - 41]}#{blake2b(text.encode(), digest_size=20).hexdigest()}"


def headers_kept(headers: Mapping[str, str]) -> dict[str, str]:
    """Names in lower case, without those that carry credentials."""
    lowered = {name.lower(): value for name, value in headers.items()}
    return {name: value for name, value in lowered.items() if name not in SECRET_HEADERS and "\x00" not in value}


def feed_kept(feed: str) -> str:
    """A feed's name as the database and the facts can hold it: a sender may put anything into a topic."""
    return "".join(each for each in feed if each.isprintable()).strip()[:FEED_MAX].strip() or "unknown"


def name_kept(name: str) -> str:
    """A file's name as text: bytes that are no UTF-8 and characters that do not print are shown as `?`."""
    text = name.encode(errors="replace").decode()
    return "".join(each if each.isprintable() else "?" for each in text)[:NAME_MAX]


def is_temporary(name: str) -> bool:
    """Names under which files are still being written, or hidden."""
    return name.startswith((".", "~", "#")) or name.lower().endswith(TEMPORARY)


def read_problem(text: str) -> tuple[str, str]:
    """Path and reason from a validation message: ``… - at `$.lines[0].sku` `` or ``…`total` must…``."""
    wrong = of_decoder(text)
    return wrong.path, shown(wrong.reason)


def shown(text: str) -> str:
    """A reason as the database holds it: bounded, without characters it cannot hold."""
    return text.replace("\x00", "\\u0000").encode(errors="backslashreplace").decode()[:REASON_MAX]


def draft_of(number: int, item: Decoded) -> Draft:
    """Check a decoded record once more as a whole: what is stored can be read again, or a person sees why not.

    Connectors build documents in Python, where lengths and patterns are not checked; the check is made here, once.
    """
    document, key, event_id, waits_for = item.document, item.key, item.event_id, item.waits_for
    kind = type(document)
    encoded = msgspec.json.encode(document)
    tag = str(kind.__struct_config__.tag)
    problem = _unstorable(encoded, key, event_id, waits_for)
    if problem is None:
        try:
            msgspec.json.decode(encoded, type=kind)
        except (msgspec.ValidationError, RecursionError) as error:
            found = misfits(encoded, kind)
            problem = (found[0].path, shown(found[0].reason)) if found else read_problem(str(error))
    if problem is not None:
        path, reason = problem
        path = in_their_words(path, item.paths)
        key = "" if "\x00" in key else bounded(key)
        return Draft(number=number, key=key, path=path, reason=reason, persons=_persons(item))
    return Draft(
        number=number,
        key=bounded(key),
        event_id=bounded(event_id),
        kind=tag,
        document=encoded,
        waits_for=bounded(waits_for),
        persons=_persons(item),
        at=_moment(document),
        tells_order=isinstance(document, OrderPlaced | OrderChanged),
    )


def _persons(item: Decoded) -> tuple[Person, ...]:
    """Whom the record is about: those in its document, and those whom only the message names."""
    own = item.document.customer if isinstance(item.document, OrderPlaced) else None
    return item.persons if own is None else (own, *item.persons)


def _moment(document: Document) -> datetime | None:
    match document:
        case OrderPlaced():
            return document.placed_at
        case SaleRecorded():
            return document.ended_at
        case _:
            return None


def about(message: StoredMessage, draft: Draft) -> Sequence[About]:
    """Whom a message tells something of in one record. An order, read or not, stands for whoever it is for."""
    at = draft.at or message.received_at
    named: Sequence[Person | None] = draft.persons
    if not named and (draft.tells_order or draft.damaged):
        named = (None,)
    return [About(connection=message.connection, person=person, key=draft.key, at=at) for person in named]


def _unstorable(encoded: bytes, key: str, event_id: str, waits_for: str) -> tuple[str, str] | None:
    if _NUL.search(encoded) or any("\x00" in text for text in (key, event_id, waits_for)):
        return "$", "contains the character U+0000, which no database text can hold"
    if not event_id:
        return "$", "the decoder gave no event id, so that a repetition could not be recognised"
    return None


def damaged(
    number: int,
    path: str,
    reason: str,
    *,
    key: str = "",
    raw: bytes | None = None,
    whole: bool = False,
    lacks: str = "",
) -> Draft:
    """A record that cannot be read."""
    key = "" if "\x00" in key else bounded(key)
    return Draft(
        number=number,
        key=key,
        path=shown(path),
        reason=shown(reason),
        raw=raw,
        whole=whole,
        lacks=bounded(shown(lacks)),
    )


def the_record(drafts: Sequence[Draft], *, number: int, alone: bool) -> Draft:
    """The draft that stands for record *number* after decoding again: its message whole, or the record *alone*."""
    if len(drafts) == 1 and (alone or drafts[0].whole):
        return drafts[0]
    if alone:
        return damaged(number, "$", f"wanted one record in its place, got {len(drafts)}")
    found = next((draft for draft in drafts if draft.number == number), None)
    return found or damaged(number, "$", "decoded again, the message has no such record any more")


def waves(records: Sequence[StoredRecord]) -> Sequence[Sequence[StoredRecord]]:
    """Cut records (in order) into waves that hold each key at most once: a wave may be applied as one group."""
    made: list[list[StoredRecord]] = []
    depth: dict[tuple[str, str], int] = {}
    for record in records:
        wave = depth.get(record.place, 0) if record.key else 0
        depth[record.place] = wave + 1
        if wave == len(made):
            made.append([])
        made[wave].append(record)
    return made


def groups(wave: Sequence[StoredRecord], size_max: int) -> Sequence[Sequence[StoredRecord]]:
    """A wave by kind of document, in bounded groups: an applier gets one kind at a time."""
    by_kind = sorted(wave, key=lambda record: record.kind)
    return [
        members[start : start + size_max]
        for _, group in groupby(by_kind, key=lambda record: record.kind)
        for members in [list(group)]
        for start in range(0, len(members), size_max)
    ]


@dataclass(slots=True)
class Stops:
    """Keys whose later records must stay behind in this batch, and the key their blocker waits for ("" for none)."""

    _blocked: dict[tuple[str, str], str] = field(default_factory=dict)

    def block(self, place: tuple[str, str], waits_for: str = "") -> None:
        """Hold back later records of *place*; a blocker that waits for nobody is the stronger one."""
        if place[1] and self._blocked.get(place) != "":
            self._blocked[place] = waits_for

    def let_pass(self, record: StoredRecord) -> bool:
        """May the record be applied now? A blocker that waits for this very key lets its parent through."""
        blocker = self._blocked.get(record.place)
        return blocker is None or (blocker == record.key and not record.waits_for)


TURNS: Final[Mapping[type[Result], Turn]] = {
    Applied: Turn.APPLIED,
    Repeated: Turn.REPEATED,
    Own: Turn.OWN,
    Waits: Turn.WAITS,
    Rejected: Turn.REJECTED,
    Failed: Turn.FAILED,
    Postponed: Turn.POSTPONED,
}


def settlement(record: StoredRecord, result: Result, *, now: datetime, parent_wait: timedelta) -> Settlement:
    """What the record becomes. A record that the database keeps postponing is set aside, not tried for ever."""
    if isinstance(result, Postponed) and record.attempts + 1 >= ATTEMPTS_MAX:
        result = Failed(reason=f"given up after {ATTEMPTS_MAX} tries: {result.reason}")
    state = after(RecordState.RECEIVED, TURNS[type(result)])
    assert state is not None, result
    settled = Settlement(message=record.message, number=record.number, state=state, alarmed=record.alarmed)
    match result:
        case Applied() | Repeated():
            return settled
        case Own():
            return replace(settled, reason="our own write")
        case Waits(key=key):
            since = record.waiting_since or now
            return replace(
                settled,
                waits_for=bounded(key),
                waiting_since=since,
                retry_at=now + look_again(now - since),
                # Told once: a record that was tried again keeps its clock, also one that has run out (None).
                deadline=record.deadline if record.waiting_since else since + parent_wait,
            )
        case Rejected(reason=reason, path=path) | Failed(reason=reason, path=path):
            return replace(settled, path=path, reason=shown(reason), alarmed=True)
        case Postponed(reason=reason):
            return replace(settled, reason=shown(reason), attempts=record.attempts + 1)
    assert_never(result)


def look_again(waited: timedelta) -> timedelta:
    """How long to leave a waiting record alone: a tenth of its age, within limits. The wake-up comes first, normally."""
    return min(max(waited / 10, LOOK_AGAIN_MIN), LOOK_AGAIN_MAX)
