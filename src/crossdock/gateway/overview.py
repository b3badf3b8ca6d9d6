"""GET /v1/overview: what is under way in the hub, by state."""

from collections import Counter
from datetime import timedelta
from typing import Annotated, Final

import msgspec
from litestar import get
from litestar.datastructures import State

from crossdock.availability import service as availability
from crossdock.canonical.base import ChannelCode
from crossdock.gateway.keys import Scope
from crossdock.gateway.parts import parts_of
from crossdock.inbound import service as inbound
from crossdock.operations.stuck import service as stuck_work
from crossdock.outbound import service as outbound

SINCE: Final = timedelta(days=1)
PENDING_SHOWN: Final = 250


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """The hub at a glance."""

    messages: dict[str, int]
    """Records received in the last day, by state; `undecoded` counts raw messages."""
    intents: dict[str, int]
    """Documents on their way, by state; those that have landed are not counted."""
    stuck: dict[str, str]
    """Parts of the hub's own work that fail again and again, and of what; empty when everything gets on."""
    stock_pending: Annotated[int, msgspec.Meta(description="Figures that a channel has not confirmed (250 counted).")]


@get("/v1/overview", summary="What is under way", opt={"scope": Scope.OPERATIONS_READ})
async def overview(state: State) -> Overview:
    """Counts by state; a hub where nothing moves has only final states."""
    parts = parts_of(state)
    messages: Counter[str] = Counter()
    intents: Counter[str] = Counter()
    pending = 0
    async with parts.reads.transaction() as tx:
        estate = await parts.hub.estate.get(tx)
        for tally in await inbound.tally(tx, since=parts.hub.clock.now() - SINCE):
            messages[tally.state] += tally.count
        for backlog in await outbound.backlog(tx):
            intents[backlog.state] += backlog.intents
        stuck = {each.work: each.error for each in await stuck_work.stuck(tx)}
        for channel in estate.channels:
            pending += len(await availability.pending(tx, ChannelCode(channel.code), limit=PENDING_SHOWN))
    return Overview(messages=dict(messages), intents=dict(intents), stuck=stuck, stock_pending=pending)
