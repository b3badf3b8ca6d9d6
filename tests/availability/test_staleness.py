"""Where nobody has told of the stock for a while, what may have been sold meanwhile is kept back."""

from datetime import datetime, timedelta
from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from availability.shop_window import WEB, apply, ask, estate
from crossdock.availability import service
from crossdock.availability.formulas import rules as formulas
from crossdock.availability.model import Reason
from crossdock.availability.pace import rules as pacing
from crossdock.canonical.stock import FloorMovement
from crossdock.estate.model import Estate, Staleness
from crossdock.foundation.db import Database
from crossdock.inventory import service as inventory
from inventory.shop_floor import DC, NOW, ORIGIN, STORE, A, movement, receive, units

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATER = NOW + 40 * DAY
"""After so long every day of the window has been counted."""
HALF_AN_HOUR = Staleness(grace="30m")


def listening(*rules: Staleness) -> Estate:
    """The store's stock is told by its tills and its own floor, the distribution centre's by the ERP's floor feed."""
    told_by: dict[str, tuple[str, ...]] = {DC: ("erp/floor",), STORE: ("tills", ".")}
    whole = estate(pools=((DC, STORE), ()))
    places = tuple(msgspec.structs.replace(each, told_by=told_by.get(each.code, ())) for each in whole.locations)
    return msgspec.structs.replace(whole, locations=places, staleness=rules)


async def hear(database: Database, moment: datetime, *sources: str, now: datetime | None = None) -> None:
    async with database.transaction() as tx:
        await service.pace.note_heard(tx, listening(HALF_AN_HOUR), dict.fromkeys(sources, moment), now=now or moment)


async def test_after_its_grace_a_silent_location_keeps_back_what_it_usually_sells_meanwhile(database: Database) -> None:
    where = listening(Staleness(grace="30m", factor=units(2)))
    await receive(database, 100, location=STORE)
    async with database.transaction() as tx:
        await tx.execute(
            "INSERT INTO availability.pace_progress (counted_from, counted_until) VALUES (%s, %s)", [NOW, LATER]
        )
        first, end = pacing.window(LATER, NOW)
        rows = [(A, STORE, first + n * DAY, 24) for n in range((end - first).days + 3)]
        await tx.cursor().executemany("INSERT INTO availability.sold VALUES (%s, %s, %s, %s)", rows)
    await hear(database, LATER, "tills", f"@{STORE}")

    answers = [await ask(database, where=where, now=LATER + minutes * HOUR / 60) for minutes in (0, 30, 31, 90, 4000)]

    assert [answer.locations[1].staleness_allowance for answer in answers] == [0, 0, 1, 2, 133]
    assert [answer.sellable for answer in answers] == [100, 100, 99, 98, 0]
    assert answers[-1].reasons == (Reason.NEVER_SEEN, Reason.STALENESS)
    assert answers[-1].locations[1].heard_at == LATER


async def test_the_source_that_has_been_silent_longest_counts(database: Database) -> None:
    where = listening(HALF_AN_HOUR)
    await receive(database, 100, location=STORE)
    await hear(database, NOW, "tills", f"@{STORE}")
    await hear(database, NOW + HOUR, "tills")

    answer = await ask(database, where=where, now=NOW + HOUR)

    assert answer.locations[1].heard_at == NOW


async def test_what_left_is_counted_hour_by_hour_and_only_once(database: Database) -> None:
    """The ledger's ids carry the time at which they were written: here, the machine's."""
    where = listening(HALF_AN_HOUR)
    await receive(database, 10, location=STORE)
    async with database.transaction() as tx:
        moment = (await inventory.ledger(tx, A))[0].id
    written = datetime.fromtimestamp((moment.int >> 80) / 1000, tz=NOW.tzinfo)
    await inventory_issue(database, 3)
    await inventory_issue(database, 4)

    async with database.transaction() as tx:
        while await service.pace.count_sales(tx, where, now=written + 2 * HOUR):
            pass
        await service.pace.count_sales(tx, where, now=written + 2 * HOUR)
        rates = await service.pace.sold_per_hour(tx, [A], at=written + 3 * DAY)

    assert rates == {(A, STORE): round(Decimal(7) / (28 * 24), 6)}


async def inventory_issue(database: Database, quantity: int) -> None:
    async with database.transaction() as tx:
        sold = movement(FloorMovement.ISSUE, quantity, location=STORE)
        await inventory.record(tx, [sold], origin=ORIGIN, now=NOW)


async def test_nothing_is_counted_or_noted_while_no_rule_asks(database: Database) -> None:
    async with database.transaction() as tx:
        assert not await service.pace.count_sales(tx, estate(), now=NOW)
        await service.pace.note_heard(tx, estate(), {"tills": NOW}, now=NOW)
        assert await service.pace.sold_per_hour(tx, [A], at=NOW) == {}
        assert await service.pace.heard(tx, listening(HALF_AN_HOUR), at=NOW) == {}


async def test_a_past_moment_is_as_silent_as_it_was_known_to_be_then(database: Database) -> None:
    where = listening(HALF_AN_HOUR)
    await apply(database, where, now=NOW - HOUR)
    await receive(database, 100, location=STORE)
    await hear(database, NOW, "tills", f"@{STORE}")
    await hear(database, NOW + HOUR, "tills", f"@{STORE}", now=NOW + 3 * HOUR)

    async def heard_at(hours: int) -> datetime | None:
        async with database.transaction() as tx:
            found = await service.explain(tx, where, A, WEB, now=NOW + DAY, as_of=NOW + hours * HOUR)
        return found.availability.locations[1].heard_at

    assert [await heard_at(hours) for hours in (0, 2, 3)] == [NOW, NOW, NOW + HOUR]


async def test_silence_is_noticed_and_old_notes_are_forgotten(database: Database) -> None:
    where = listening(HALF_AN_HOUR)
    await hear(database, NOW, "tills")
    await hear(database, NOW + HOUR, "tills")

    async with database.transaction() as tx:
        assert not await service.pace.any_silent(tx, where, now=NOW + HOUR + HOUR / 2)
        assert await service.pace.any_silent(tx, where, now=NOW + 2 * HOUR)
        await service.pace.forget(tx, before=NOW + 300 * DAY)
        assert await service.pace.heard(tx, where, at=NOW + 300 * DAY) == {"tills": NOW + HOUR}
        assert await service.pace.heard(tx, where, at=NOW) == {}


quantities = st.decimals(min_value=0, max_value=1000, places=3)


@given(quantities, quantities, quantities, quantities, quantities)
def test_an_allowance_is_whole_units_and_grows_with_age_and_sales(
    age_s: Decimal, grace_s: Decimal, sold: Decimal, factor: Decimal, more: Decimal
) -> None:
    allowance = formulas.staleness_allowance(age_s, grace_s, sold, factor)

    assert allowance == allowance.to_integral_value() >= 0
    assert allowance == 0 or age_s > grace_s
    assert formulas.staleness_allowance(age_s + more, grace_s, sold, factor) >= allowance
    assert formulas.staleness_allowance(age_s, grace_s, sold + more, factor) >= allowance


@given(st.integers(0, 10**6), st.integers(0, 60))
def test_the_days_that_count_are_over_for_certain(minutes: int, days: int) -> None:
    at = NOW + minutes * HOUR / 60

    first, end = pacing.window(at, at - days * DAY)

    assert (end - first).days <= pacing.DAYS
    assert end < at.date()


def test_hours_are_counted_when_they_are_over_for_a_while() -> None:
    assert pacing.hours_between(NOW, NOW + HOUR + 4 * HOUR / 60, 9) == []
    assert pacing.hours_between(NOW, NOW + HOUR + 5 * HOUR / 60, 9) == [NOW]
    assert pacing.hours_between(NOW, NOW + 20 * HOUR, 2) == [NOW, NOW + HOUR]
