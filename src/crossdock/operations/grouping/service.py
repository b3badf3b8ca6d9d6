"""Let go what waited for something that is known by now, and keep the exceptions of groups true."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from crossdock.connector_kit.record import IDENTITY_OF_THEIRS, LOCATION
from crossdock.crossref import service as crossref
from crossdock.estate.model import Estate
from crossdock.eventlog.service import Origin
from crossdock.finance import service as finance
from crossdock.foundation.db import Tx
from crossdock.inbound import service as inbound
from crossdock.inbound.service import Desk
from crossdock.operations import store
from crossdock.operations.closing import close
from crossdock.operations.grouping import rules
from crossdock.operations.grouping.rules import Identities
from crossdock.operations.model import OpenException
from crossdock.outbound import service as outbound
from crossdock.outbound.causes import CODE_MAX, IDENTITY_CAUSE
from crossdock.outbound.model import ParkedCause

SOURCE: Final = "operations"
IDENTITY_MISSING: Final = "identity_missing"
INTENT_PARKED: Final = "intent_parked"
STORE_UNKNOWN: Final = "store_unknown"
CURRENCY_FOREIGN: Final = "currency_foreign"
GROUPS: Final = (IDENTITY_MISSING, INTENT_PARKED, STORE_UNKNOWN, CURRENCY_FOREIGN)
"""Types whose exceptions stand for whatever waits right now: they end when nothing does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freed:
    """What is on its way again."""

    intents: tuple[UUID, ...] = ()
    records: int = 0

    def __bool__(self) -> bool:
        return bool(self.intents or self.records)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Everything that waits for a person to say something, as it stands in this transaction."""

    causes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Parked intents: connection → cause → how many."""
    lacks: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Quarantined records: connection → what they lack → how many."""

    def identities(self, connection: str, kind: str) -> Identities:
        """What waits for one kind of identity on one connection."""
        return rules.identities(connection, kind, self.causes.get(connection, {}), self.lacks.get(connection, {}))


async def backlog(tx: Tx) -> Backlog:
    """Read it."""
    causes: dict[str, dict[str, int]] = {}
    for parked in await outbound.parked_causes(tx):
        causes.setdefault(parked.connection, {})[parked.cause] = parked.intents
    lacks: dict[str, dict[str, int]] = {}
    for lack in await inbound.lacks(tx, ""):
        lacks.setdefault(lack.connection, {})[lack.lacks] = lack.records
    return Backlog(causes=causes, lacks=lacks)


async def anything_waits(tx: Tx) -> bool:
    """For an identity or a location."""
    return bool(await outbound.parked_causes(tx, IDENTITY_CAUSE) or await inbound.lacks(tx, ""))


# --- let go --------------------------------------------------------------------------------------------------------


async def release_matched(
    tx: Tx, desk: Desk, *, connection: str = "", kind: str = "", who: str, now: datetime
) -> Freed:
    """Send on and read again whatever waited for an identity that exists by now. Empty limits mean all."""
    freed: list[UUID] = []
    for parked_at, causes in _by_kind(
        await outbound.parked_causes(tx, _prefix(IDENTITY_CAUSE, kind), connection)
    ).items():
        for cause in await _linked(tx, *parked_at, causes):
            freed += (await outbound.release(tx, now, cause=cause, connection=parked_at[0])).intents
    again = await inbound.read_again(
        tx, desk, _prefix(IDENTITY_OF_THEIRS, kind), connection=connection, who=who, now=now
    )
    return Freed(intents=tuple(freed), records=again.released)


async def release_located(tx: Tx, desk: Desk, *, location: str = "", who: str, now: datetime) -> Freed:
    """Read again whatever named a location that the estate of *desk* knows."""
    again = await inbound.read_again(tx, desk, f"{LOCATION}{location}", who=who, now=now)
    return Freed(records=again.released)


def _prefix(word: str, kind: str) -> str:
    return f"{word}{kind}:" if kind else word


def _by_kind(parked: Sequence[ParkedCause]) -> Mapping[tuple[str, str], Sequence[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for each in parked:
        kind = rules.kind_of_ours(each.cause)
        if kind is not None:
            found.setdefault((each.connection, kind), []).append(each.cause)
    return found


async def _linked(tx: Tx, connection: str, kind: str, causes: Sequence[str]) -> Sequence[str]:
    """Those whose identity exists. A cause as long as causes get may be cut: then every pair is looked at."""
    if any(len(cause) >= CODE_MAX for cause in causes):
        linked = await crossref.links(tx, connection, kind)
    else:
        codes = [cause.removeprefix(_prefix(IDENTITY_CAUSE, kind)) for cause in causes]
        linked = await crossref.theirs(tx, connection, kind, codes)
    return rules.freed(causes, kind, linked)


# --- keep true -----------------------------------------------------------------------------------------------------


async def refresh(tx: Tx, estate: Estate, *, now: datetime) -> int:
    """Say anew how many wait in each group, and close those in which nothing does; how many were closed.

    The exceptions are locked first: who decides later sees what was decided before.
    """
    open_groups = await store.lock_open(tx, GROUPS)
    if not open_groups:
        return 0
    waiting = await backlog(tx)
    closed = 0
    for exception in open_groups:
        resolution = await _brought_up_to_date(tx, estate, exception, waiting)
        if resolution:
            closed += await close(tx, exception.key, resolution, origin=Origin.begin(SOURCE), now=now)
    return closed


async def _brought_up_to_date(tx: Tx, estate: Estate, exception: OpenException, waiting: Backlog) -> str:
    """Why it can be closed; empty while something waits."""
    noun, _, name = exception.key.partition("/")
    connection, _, rest = name.partition("/")
    match noun:
        case "identity":
            group = waiting.identities(connection, rest)
            if group.empty:
                return "everything has its counterpart: nothing waits any more"
            await _retell(tx, exception, group)
        case "cause":
            if rest not in waiting.causes.get(connection, {}):
                return "no intent waits for this cause any more"
        case "store":
            if estate.location(name) is not None and not _records(waiting, f"{LOCATION}{name}"):
                return "the estate knows the store"
        case "currency":
            store, _, currency = name.rpartition("/")
            if estate.books_in(currency) and not await finance.leaves_out(tx, store, currency):
                return "the estate books the currency, and nothing of it is left out"
        case _:
            raise AssertionError(exception.key)
    return ""


async def _retell(tx: Tx, exception: OpenException, group: Identities) -> None:
    amounts: Mapping[str, Decimal] = {}
    if group.intents:
        amounts = await outbound.at_risk(tx, group.connection, _prefix(IDENTITY_CAUSE, group.kind))
    amount, currency = rules.most(amounts) or (None, None)
    if (exception.detail, exception.amount, exception.currency) != (rules.told(group), amount, currency):
        await store.retell(tx, exception.id, rules.told(group), amount, currency)


def _records(waiting: Backlog, lacks: str) -> int:
    return sum(each.get(lacks, 0) for each in waiting.lacks.values())
