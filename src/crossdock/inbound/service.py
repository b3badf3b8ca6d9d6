"""What inbound offers: store, fetch, sweep, decode, apply, show, release.

`receive` is the promise "a 2xx means: on disk"; everything after it may happen later, elsewhere, and again.
"""

from collections.abc import Sequence

from crossdock.foundation.db import Tx
from crossdock.inbound import store
from crossdock.inbound.applying import (
    Applier,
    Appliers,
    ApplyContext,
    OwnWrites,
    apply_waiting,
    each,
)
from crossdock.inbound.decoding import decode_waiting
from crossdock.inbound.desk import Desk
from crossdock.inbound.feeds.drop import Drop
from crossdock.inbound.feeds.drops import sweep
from crossdock.inbound.feeds.polling import LoadProgress, load, poll
from crossdock.inbound.feeds.silence import Watch, silent_feeds
from crossdock.inbound.feeds.store import list_feeds, spoken_since
from crossdock.inbound.feeds.strays import strays
from crossdock.inbound.quarantine.lacking import lacks, read_again
from crossdock.inbound.quarantine.service import (
    dismiss,
    dismiss_lacking,
    glance,
    of_key,
    open_records,
    overdue,
    quarantine_groups,
    release,
    release_group,
    show,
    tally,
)
from crossdock.inbound.rules import bounded
from crossdock.inbound.seals.service import about, bind_unread, forget, handle_of_order
from crossdock.inbound.storing import put, receive
from crossdock.inbound.upkeep.service import Upkeep, maintain

__all__ = [
    "Applier",
    "Appliers",
    "ApplyContext",
    "Desk",
    "Drop",
    "LoadProgress",
    "OwnWrites",
    "Upkeep",
    "Watch",
    "about",
    "apply_waiting",
    "bind_unread",
    "decode_waiting",
    "dismiss",
    "dismiss_lacking",
    "each",
    "forget",
    "glance",
    "handle_of_order",
    "lacks",
    "list_feeds",
    "load",
    "maintain",
    "of_key",
    "open_records",
    "overdue",
    "poll",
    "put",
    "quarantine_groups",
    "read_again",
    "receive",
    "release",
    "release_group",
    "show",
    "silent_feeds",
    "spoken_since",
    "strays",
    "sweep",
    "tally",
    "wake",
]


async def wake(tx: Tx, keys: Sequence[str]) -> None:
    """Parents have come by another door (our API, a person): let records that wait for these keys try again."""
    if keys:
        await store.wake_children(tx, sorted({bounded(key) for key in keys}))
