"""Somebody whose every request is refused is an exception: whoever sends sees an answer that perhaps nobody reads."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from crossdock.estate.model import Estate
from crossdock.eventlog.service import Origin
from crossdock.foundation.db import Tx
from crossdock.operations.closing import close
from crossdock.operations.model import Matter
from crossdock.operations.service import open_exception

SOURCE: Final = "gateway"
DETAIL_MAX: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Requests of one sender to one route, each of them refused, none taken in between."""

    who: str
    """`connection/NAME` (its webhooks), `key/NAME`, or `address/IP` when nobody knows more."""
    route: str
    count: int
    since: datetime
    reason: str
    """Of the last one."""


async def tell(tx: Tx, estate: Estate, refused: Refused, *, now: datetime) -> None:
    """Open its exception, or tell the open one of how many there are by now."""
    await open_exception(tx, estate, _matter(refused), origin=Origin.begin(SOURCE), now=now)


def _matter(refused: Refused) -> Matter:
    key, who, route = _key(refused.who, refused.route), refused.who, refused.route
    since = refused.since.isoformat(timespec="minutes")
    detail = f"{refused.count} requests in a row have been refused since {since}: {refused.reason}"[:DETAIL_MAX]
    match who.partition("/")[0]:
        case "connection":
            return Matter(type="webhooks_refused", key=key, subject=who, path=route, detail=detail)
        case "key":
            return Matter(type="requests_refused", key=key, subject=who, path=route, detail=detail)
        case _:
            return Matter(type="caller_unknown", key=key, subject=who, path=route, detail=detail)


async def taken(tx: Tx, who: str, route: str, *, now: datetime) -> None:
    """A request of theirs was taken in again."""
    await close(tx, _key(who, route), "a request was taken in again", origin=Origin.begin(SOURCE), now=now)


def _key(who: str, route: str) -> str:
    return f"refused/{who}{route}"
