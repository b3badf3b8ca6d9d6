"""Who was heard when, as the locations' `told_by` names them: connections, their feeds, floors."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from crossdock.foundation.db import Tx
from crossdock.inbound import service as inbound
from crossdock.inventory import service as inventory

BACK: Final = timedelta(minutes=10)
"""How far back is looked for messages and movements: whoever spoke before was noted before."""


async def heard(tx: Tx, *, now: datetime) -> Mapping[str, datetime]:
    """A connection was heard when any of its feeds was, or when it brought anything by whatever route."""
    voices: dict[str, datetime] = dict(await inbound.spoken_since(tx, now - BACK))
    for feed in await inbound.list_feeds(tx, ""):
        for source in (feed.connection, f"{feed.connection}/{feed.feed}"):
            voices[source] = max(feed.heard_at, voices.get(source, feed.heard_at))
    floors = await inventory.floors_heard(tx, now - BACK)
    return {**voices, **{f"@{location}": moment for location, moment in floors.items()}}
