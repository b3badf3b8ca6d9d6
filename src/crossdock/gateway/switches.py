"""POST /v1/stock/stops and what ends them: stop selling at once, and let it be sold again."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.datastructures import State
from litestar.params import FromPath, FromQuery, JSONBody

from crossdock.availability import service as availability
from crossdock.availability.switches.model import Stop, Switch
from crossdock.canonical.base import CategoryPath, Code, Text, check_moment
from crossdock.eventlog.service import Origin
from crossdock.gateway.keys import Scope
from crossdock.gateway.parts import caller_of, check_limit, parts_of
from crossdock.gateway.problems import FieldProblem, Problem

LISTED: Final = 100


class StopBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may not be sold from now on: an item or a category, on a channel, from a location, or all of them together."""

    sku: Code | None = None
    category: CategoryPath | None = None
    channel: Code | None = None
    location: Code | None = None
    owner: Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
    """Who answers for it."""
    reason: Text = ""
    until: datetime | None = None
    """It ends by itself. Absent: somebody must end it."""

    def __post_init__(self) -> None:
        check_moment(self.until, "until")
        self.stop()

    def stop(self) -> Stop:
        """As the hub knows it; ValueError when it stops nothing."""
        return Stop(sku=self.sku, category=self.category, channel=self.channel, location=self.location)


class SwitchView(msgspec.Struct, frozen=True, kw_only=True):
    """A stop as it was set, and how it ended."""

    id: str
    sku: str | None
    category: str | None
    channel: str | None
    location: str | None
    owner: str
    reason: str
    since: datetime
    until: datetime | None
    ended_at: datetime | None
    ended_by: str | None


class SwitchesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first."""

    switches: list[SwitchView]


@post(
    "/v1/stock/stops",
    summary="Stop selling something at once",
    opt={"scope": Scope.STOCK_WRITE, "of_channels": True},
    status_code=201,
)
async def stop_selling(request: "Request[Any, Any, State]", state: State, data: JSONBody[StopBody]) -> SwitchView:
    """Nothing of it is granted from this answer on; channels are told 0 as soon as their budgets allow."""
    parts = parts_of(state)
    retailer = await parts.retailer.get()
    caller = caller_of(request)
    if data.channel is not None:
        retailer.channel(data.channel, "$.channel")
    if caller.channel is not None and data.channel != caller.channel:
        raise Problem("forbidden", f'the key "{caller.name}" may stop channel "{caller.channel}" only')
    if data.location is not None:
        retailer.check_location(data.location, "$.location")
    now = parts.hub.clock.now()
    if data.until is not None and data.until <= now:
        raise Problem("invalid", errors=(FieldProblem(path="$.until", reason="must lie in the future"),))
    async with parts.hub.database.transaction() as tx:
        switch = await availability.stop(
            tx,
            data.stop(),
            owner=data.owner,
            reason=data.reason,
            until=data.until,
            origin=Origin.begin(f"api:{caller.name}"),
            now=now,
        )
    parts.memory.clear()  # a stop may hit any number
    parts.hub.hints.ring()
    return shown(switch)


@post(
    "/v1/stock/stops/{switch_id:uuid}/resume",
    summary="Let it be sold again",
    opt={"scope": Scope.STOCK_WRITE, "of_channels": True},
    status_code=200,
)
async def resume_selling(request: "Request[Any, Any, State]", state: State, switch_id: FromPath[UUID]) -> SwitchView:
    """Safe to repeat. Other stops of the same goods, and those of the estate, still hold."""
    parts = parts_of(state)
    caller = caller_of(request)
    async with parts.hub.database.transaction() as tx:
        found = await availability.switches.find(tx, switch_id)
        if found is None or (caller.channel is not None and found.channel != caller.channel):
            raise Problem("not-found", "there is no stop of that id")
        origin = Origin.begin(f"api:{caller.name}")
        ended = await availability.resume(
            tx, [found], by=f"api:{caller.name}", origin=origin, now=parts.hub.clock.now()
        )
    parts.memory.clear()
    parts.hub.hints.ring()
    return shown(ended[0] if ended else found)


@get("/v1/stock/stops", summary="What may not be sold", opt={"scope": Scope.STOCK_READ, "of_channels": True})
async def list_stops(
    request: "Request[Any, Any, State]", state: State, *, ended: FromQuery[bool] = False, limit: FromQuery[int] = LISTED
) -> SwitchesAnswer:
    """Stops in force; with `ended`, the newest ones, whether they have ended or not. A channel's key sees what concerns it."""
    check_limit(limit)
    parts = parts_of(state)
    async with parts.reads.transaction() as tx:
        if ended:
            found = await availability.switches.recent(tx, limit=limit)
        else:
            found = list(reversed(await availability.switches.in_force(tx, at=parts.hub.clock.now())))[:limit]
    mine = caller_of(request).channel
    return SwitchesAnswer(
        switches=[shown(switch) for switch in found if mine is None or switch.channel in {None, mine}]
    )


def shown(switch: Switch) -> SwitchView:
    """As the API tells it."""
    return SwitchView(
        id=str(switch.id),
        sku=switch.sku,
        category=switch.category,
        channel=switch.channel,
        location=switch.location,
        owner=switch.owner,
        reason=switch.reason,
        since=switch.since,
        until=switch.until,
        ended_at=switch.ended_at,
        ended_by=switch.ended_by,
    )
