"""Tell of tills that have fallen silent against their own habit, and when they speak again."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from crossdock.canonical.base import Document, LocationCode
from crossdock.canonical.facts import TillsHeard, TillsSilent
from crossdock.estate.model import Estate, duration
from crossdock.eventlog import service as eventlog
from crossdock.eventlog.service import NewFact, Origin
from crossdock.finance.pace import rules, store
from crossdock.finance.pace.store import Heard
from crossdock.foundation.db import Tx

SOURCE: Final = "finance"
LONG: Final = timedelta(weeks=1)
"""A till that was silent for so long without being missed is not missed later."""
KEPT: Final = timedelta(weeks=rules.WEEKS + 2)


async def hear(tx: Tx, receipts: Sequence[Heard], *, now: datetime) -> None:
    """Receipts of these tills were recorded, each once; tells of those that had been silent."""
    await store.count(tx, receipts)
    spoke = await store.hear(tx, receipts)
    stores = sorted({code for code, _ in spoke})
    still = _by_store(await store.silent(tx, stores)) if stores else {}
    facts = [
        TillsHeard(
            store=LocationCode(code),
            tills=tuple(sorted(till for where, till in spoke if where == code)),
            still_silent=tuple(each.till for each in still.get(code, ())),
        )
        for code in stores
    ]
    await eventlog.append(tx, [_note(fact.store, fact, now) for fact in facts])


async def tell_silent(tx: Tx, estate: Estate, *, now: datetime) -> Sequence[TillsSilent]:
    """Tell, store by store, of tills that have sent nothing in a time in which they always send something.

    What is usual is what each till itself sent in the same stretch of the weeks before, as it arrived here: a till that
    sends its day at night is missed at night, and nobody is missed while the store is closed.
    """
    zones = {location.code: location.zone for location in estate.locations}
    after = duration(estate.policies.till_silent_after)
    quiet = [each for each in await store.quiet(tx, now - LONG, now - after) if each.store in zones]
    stretches = [
        (each, since, until)
        for each in quiet
        for since, until in rules.stretches(each.heard_at, now, zones[each.store])
    ]
    sent: defaultdict[Heard, list[int]] = defaultdict(list)
    for (each, _, _), receipts in zip(stretches, await store.sent(tx, stretches) if stretches else (), strict=True):
        sent[each].append(receipts)
    fallen = [each for each in quiet if rules.unusual(sent[each])]
    if not fallen:
        return ()
    await store.fall_silent(tx, fallen)
    silent = _by_store(await store.silent(tx, sorted({each.store for each in fallen})))
    facts = [
        TillsSilent(
            store=LocationCode(code),
            tills=tuple(each.till for each in tills),
            silent_since=min(each.heard_at for each in tills),
        )
        for code, tills in silent.items()
    ]
    await eventlog.append(tx, [_note(fact.store, fact, now) for fact in facts])
    return facts


async def forget(tx: Tx, *, now: datetime) -> None:
    """Drop what is too old to compare with."""
    await store.forget(tx, now - KEPT)


def _by_store(tills: Iterable[Heard]) -> Mapping[str, Sequence[Heard]]:
    found: defaultdict[str, list[Heard]] = defaultdict(list)
    for each in tills:
        found[each.store].append(each)
    return found


def _note(store_code: str, fact: Document, now: datetime) -> NewFact:
    return NewFact(stream=f"store/{store_code}", fact=fact, happened_at=now, origin=Origin.begin(SOURCE))
