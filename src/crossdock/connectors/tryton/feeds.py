"""Pages of what has changed in Tryton. It has no webhooks: every model is polled by its own timestamps.

A record that was made and never changed has no `write_date`, and a thousand records of one transaction share one
timestamp. So two lists are read, each continued at (timestamp, id): changed records and never-changed ones. A new run reaches
back by the overlap, because a transaction carries the time of its beginning; never behind the moment the feed began, nor
behind what the last run must have seen: what was imported long ago is not read again and again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec

from crossdock.connector_kit.model import Page
from crossdock.connector_kit.record import Record
from crossdock.connector_kit.session import Session
from crossdock.connectors.tryton.codes import LOCATION, SKU, not_our_own
from crossdock.connectors.tryton.rpc import Tryton
from crossdock.connectors.tryton.wire import Json, changed_field, moment, place_of

OVERLAP: Final = timedelta(minutes=3)
"""Longer than Tryton's longest transaction."""
SKEW: Final = timedelta(hours=1)
"""So far apart may our clock and Tryton's be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """What is read of one model."""

    model: str
    fields: tuple[str, ...]
    domain: tuple[Json, ...] = ()
    from_the_beginning: bool = False
    """Master data is read whole at the first run; documents only from then on."""
    follow: tuple[str, str, tuple[str, ...]] | None = None
    """(model, its field that names ours, fields): a change of our record is told by records of another model."""
    locations: tuple[str, ...] = ()
    """Dotted fields whose `warehouse` is a location of ours."""
    items: bool = False
    """What is told are items: services that stand for charges are none."""
    rows_max: int = 200


class _Place(msgspec.Struct, frozen=True):
    at: datetime
    id: int


class _Cursor(msgspec.Struct, frozen=True):
    since: datetime
    changed: _Place
    made: _Place
    ended: bool
    began: datetime | None = None
    """When the run began, by our clock."""


async def fetch(session: Session, feed: Feed, cursor: str) -> Page:
    """The next page; the body also says which items and locations are ours, and which user we are."""
    tryton = Tryton(session)
    place = _begin(session, feed, cursor)
    only = [not_our_own(session)] if feed.items and feed.follow is None else []
    changed = await _rows(tryton, feed, "write_date", place.changed, only)
    made = await _rows(tryton, feed, "create_date", place.made, only)
    more = len(changed) == feed.rows_max or len(made) == feed.rows_max
    last = _Cursor(place.since, _last(changed, place.changed), _last(made, place.made), not more, place.began)
    rows = [*changed, *made]
    if feed.follow is not None:
        rows = await _followed(tryton, feed.follow, rows, [not_our_own(session)] if feed.items else [])
    body = {
        "user": await tryton.user(),
        "ours": await _ours(session, feed, [Record(row) for row in rows]),
        "records": rows,
    }
    return Page(body=msgspec.json.encode(body), cursor=msgspec.json.encode(last).decode(), more=more)


def _begin(session: Session, feed: Feed, cursor: str) -> _Cursor:
    if not cursor:
        start = (
            datetime.min.replace(tzinfo=session.clock.now().tzinfo) if feed.from_the_beginning else session.clock.now()
        )
        return _Cursor(start, _Place(start, 0), _Place(start, 0), ended=False, began=session.clock.now())
    place = msgspec.json.decode(cursor, type=_Cursor)
    if not place.ended:
        return place

    def back(to: _Place) -> _Place:
        """Never from the future: one record that a wrong clock has stamped would hide all that comes until then."""
        newest = min(to.at, session.clock.now())
        reach = newest - OVERLAP if newest - place.since > OVERLAP else place.since
        # A transaction that began still earlier had ended when the last run looked.
        return _Place(reach if place.began is None else max(reach, place.began - OVERLAP - SKEW), 0)

    return _Cursor(place.since, back(place.changed), back(place.made), ended=False, began=session.clock.now())


async def _rows(tryton: Tryton, feed: Feed, stamp: str, place: _Place, only: Sequence[Json]) -> list[object]:
    after: Json = ["OR", [[stamp, ">", moment(place.at)]], [[stamp, "=", moment(place.at)], ["id", ">", place.id]]]
    never: list[Json] = [["write_date", "=", None]] if stamp == "create_date" else []
    return await tryton.raw(
        feed.model, [after, *never, *feed.domain, *only], ["write_date", "create_date", *feed.fields],
        order=[[stamp, "ASC"], ["id", "ASC"]], limit=feed.rows_max,
    )  # fmt: skip


def _last(rows: Sequence[object], place: _Place) -> _Place:
    if not rows:
        return place
    record = Record(rows[-1])
    return _Place(place_of(record, changed_field(record)), record.whole("id"))


async def _followed(
    tryton: Tryton, follow: tuple[str, str, tuple[str, ...]], rows: Sequence[object], only: Sequence[Json]
) -> list[object]:
    model, field, fields = follow
    wanted = [Record(row).whole("id") for row in rows]
    if not wanted:
        return []
    return await tryton.raw(model, [[field, "in", wanted], *only], ["write_date", "create_date", *fields])


async def _ours(session: Session, feed: Feed, rows: Sequence[Record]) -> Mapping[str, Mapping[str, str]]:
    if not feed.locations:
        return {}
    items = {row.key("product") for row in rows}
    places = {
        row.one(name).key("warehouse") for row in rows for name in feed.locations if row.one(name).has("warehouse")
    }
    return {
        SKU: await session.identities.ours(SKU, sorted(items)),
        LOCATION: await session.identities.ours(LOCATION, sorted(places)),
    }
