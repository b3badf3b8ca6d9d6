"""The whole day: set the stage, play, close, wait for the ERP to catch up, prove."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from rich.console import Console

from crossdock.foundation.clock import Clock
from crossdock.foundation.settings import Settings
from crossdock.simulation.retailer.statement import rules_text
from crossdock.simulation.shop.faults import FaultKind
from crossdock.simulation.trading_day.feed import OrderStory
from crossdock.simulation.trading_day.play import Outside, close_stores, play
from crossdock.simulation.trading_day.proof import Claim, prove
from crossdock.simulation.trading_day.screen import (
    Bars,
    Board,
    interrupted,
    print_people,
    print_proof,
    print_verdict,
    slowest,
)
from crossdock.simulation.trading_day.stage import Script, Stage, set_stage

LOOK_S: Final = 1.0
QUIET_LOOKS: Final = 3
CATCH_UP_S_MAX: Final = 900.0
"""The ERP works off its backlog at its own pace; beyond this the day has failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How the day ended."""

    claims: Sequence[Claim]
    parked: int

    @property
    def holds(self) -> bool:
        """Everything agrees."""
        return all(claim.holds for claim in self.claims)


class Overview(msgspec.Struct, frozen=True):
    """What is under way in the hub."""

    messages: "dict[str, int]"
    """Records of messages by state."""
    intents: "dict[str, int]"
    """Intents by state."""
    stock_pending: int
    """Stock figures that a channel has not confirmed."""

    @property
    def waiting(self) -> int:
        """Documents that have not reached their end."""
        return sum(self.intents.get(state, 0) for state in ("pending", "sending", "in_doubt"))

    @property
    def busy(self) -> bool:
        """Something is still moving."""
        moving = sum(self.messages.get(state, 0) for state in ("undecoded", "received", "waiting"))
        return bool(moving or self.waiting or self.stock_pending)


async def run_day(script: Script, settings: Settings, clock: Clock, console: Console) -> Result:
    """Play the day on *console*; raises HubError or ErpError when a system does not do its part."""
    bars = Bars(console)
    with bars:
        staged = set_stage(script, settings, clock, bars.report)
        stage = await staged.__aenter__()
    try:
        console.print(rules_text(stage.day), soft_wrap=True, markup=False)
        return await _day(stage, console)
    finally:
        await staged.__aexit__(None, None, None)


async def _day(stage: Stage, console: Console) -> Result:
    outside = Outside()
    with Board(console) as board:
        playing = asyncio.create_task(play(stage, outside))
        while not playing.done():
            await _look(stage, outside, board, "Trading")
        await playing
        await _settle(stage, outside, board, "Closing the web shop")
        await close_stores(stage)
        overview = await _settle(stage, outside, board, "Posting store days")
    outside.sent_twice = {
        told.resource.rpartition("/")[2]
        for told in stage.shop.courier.told
        if told.fault is FaultKind.REDELIVER and told.topic == "orders/create"
    }
    claims = await prove(stage, outside)
    for title, story in _stories(stage, outside):
        if story is not None:
            console.print(f"\n{title}", style="bold")
            trace = await stage.hub.command("order", "trace", story.order_id, width=console.width)
            console.print(trace, markup=False, soft_wrap=True)
    print_people(console, stage.feed)
    _print_messages(console, stage, overview)
    print_proof(console, claims)
    print_verdict(console, claims)
    return Result(claims=claims, parked=overview.intents.get("parked", 0))


async def _look(stage: Stage, outside: Outside, board: Board, phase: str) -> Overview:
    await stage.feed.read()
    overview = await stage.hub.get("/v1/overview", Overview)
    board.show(phase, outside, stage.feed, overview.waiting, stage.shop.shop.books.stock.told)
    await stage.clock.sleep(LOOK_S)
    return overview


async def _settle(stage: Stage, outside: Outside, board: Board, phase: str) -> Overview:
    """Until nothing has moved for a few looks."""
    quiet, since_s = 0, stage.clock.monotonic()
    while True:
        overview = await _look(stage, outside, board, phase)
        quiet = 0 if overview.busy or stage.shop.courier.under_way else quiet + 1
        if quiet >= QUIET_LOOKS or stage.clock.monotonic() - since_s > CATCH_UP_S_MAX:
            return overview


def _print_messages(console: Console, stage: Stage, overview: Overview) -> None:
    states = {"landed": sum(stage.feed.landed.values()), **overview.intents}
    intents = ", ".join(f"{count} {state}" for state, count in states.items())
    messages = ", ".join(f"{count} {state}" for state, count in sorted(overview.messages.items()))
    console.print(f"\nMessages received: {messages}\nDocuments sent: {intents}\n", markup=False, soft_wrap=True)


def _stories(stage: Stage, outside: Outside) -> Sequence[tuple[str, OrderStory | None]]:
    twice = next((order for order in stage.feed.orders.values() if order.channel_order_id in outside.sent_twice), None)
    return (
        ("The slowest order", slowest(stage.feed)),
        ("An order that the shop sent twice", twice),
        ("An order that came while the ERP was down", interrupted(stage.feed, outside.erp_down_at)),
    )
