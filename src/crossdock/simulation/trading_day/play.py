"""The day as it happens: tills ring, customers click, the ERP goes away and comes back, the stores close."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from crossdock.simulation.retailer import drop
from crossdock.simulation.retailer.model import Store, TillEvent, WebOrder
from crossdock.simulation.shop.faults import Fault, FaultKind
from crossdock.simulation.shop.ordering import OutOfStock, Purchase, PurchaseLine
from crossdock.simulation.trading_day.hub import HubError
from crossdock.simulation.trading_day.stage import Stage

TICK_S: Final = 1.0
ERP_AWAY_FROM: Final = 0.45
"""Share of the day after which the ERP is taken down."""
ACCEPTED: Final = 202
CONNECTION: Final = "tills"
RETRY_S: Final = 0.5
TRIES_MAX: Final = 40


@dataclass(slots=True)
class Outside:
    """What the world outside the hub did: the truth that the proof compares with."""

    receipts_sent: int = 0
    files: int = 0
    uploads: int = 0
    web_orders: int = 0
    turned_away: int = 0
    """Customers whom the shop showed as sold out."""
    sent_twice: set[str] = field(default_factory=set)
    erp_away: bool = False
    erp_down_at: datetime | None = None
    now_playing: str = ""


async def play(stage: Stage, outside: Outside) -> None:
    """From opening to closing; returns when the last receipt is handed over."""
    _arm_faults(stage)
    tills = _by_tick(stage)
    clicks = _clicks_by_tick(stage)
    last = max([*tills, *clicks], default=0)
    erp = asyncio.create_task(_erp_outage(stage, outside, last))
    runs: defaultdict[str, int] = defaultdict(int)
    try:
        for tick in range(last + 1):
            outside.now_playing = _time_of(stage, tick, last)
            await asyncio.gather(
                *(_send(stage, outside, store, events, runs) for store, events in tills.get(tick, ())),
                *(_click(stage, outside, order) for order in clicks.get(tick, ())),
            )
            await stage.clock.sleep(TICK_S)
        await erp
    finally:
        erp.cancel()
        await asyncio.gather(erp, return_exceptions=True)


async def close_stores(stage: Stage) -> None:
    """The evening: each store's day becomes one journal and one goods issue."""
    day = stage.script.business_day.isoformat()
    await stage.hub.command("day", "close", day)


def _arm_faults(stage: Stage) -> None:
    """Webhooks as they come in real life: some twice, some late, some before the order they belong to."""
    stage.shop.shop.faults.arm(
        Fault(kind=FaultKind.REDELIVER, on="orders/create", times=6, skip=2),
        Fault(kind=FaultKind.DELAY, on="orders/create", times=4, skip=5, seconds=3.0),
        Fault(kind=FaultKind.TIMEOUT_AFTER, on="inventorySetQuantities", times=1, skip=3, seconds=2.0),
        Fault(kind=FaultKind.THROTTLE, on="*", times=2, skip=20),
    )


def _by_tick(stage: Stage) -> Mapping[int, Sequence[tuple[Store, Sequence[TillEvent]]]]:
    stores = {store.code: store for store in stage.day.stores}
    grouped: defaultdict[int, defaultdict[str, list[TillEvent]]] = defaultdict(lambda: defaultdict(list))
    for event in stage.day.events:
        grouped[_tick(stage, event.at - stage.day.opens_at)][event.key.store].append(event)
    return {
        tick: [(stores[code], events) for code, events in sorted(by_store.items())]
        for tick, by_store in grouped.items()
    }


def _clicks_by_tick(stage: Stage) -> Mapping[int, Sequence[WebOrder]]:
    grouped: defaultdict[int, list[WebOrder]] = defaultdict(list)
    for order in stage.day.web_orders:
        grouped[_tick(stage, order.placed_at - stage.day.opens_at)].append(order)
    return grouped


def _tick(stage: Stage, since_opening: timedelta) -> int:
    span = stage.day.closes_at - stage.day.opens_at
    share = min(1.0, max(0.0, since_opening / span))
    return int(share * stage.script.seconds / TICK_S)


def _time_of(stage: Stage, tick: int, last: int) -> str:
    span = stage.day.closes_at - stage.day.opens_at
    return f"{stage.day.opens_at + span * (tick / max(1, last)):%H:%M}"


async def _send(
    stage: Stage, outside: Outside, store: Store, events: Sequence[TillEvent], runs: "defaultdict[str, int]"
) -> None:
    """A store hands over what it has rung up: some put files into a folder, some call our API."""
    runs[store.code] += 1
    body = drop.render(store, events)
    if stage.day.stores.index(store) % 2:
        name = drop.file_name(store, events, runs[store.code])
        await drop.put(stage.hub.drop_folder(CONNECTION), name, body)
        outside.files += 1
    else:
        await _upload(stage, body, drop.CONTENT_TYPE[store.dialect])
        outside.uploads += 1
    outside.receipts_sent += len(events)


async def _upload(stage: Stage, body: bytes, content_type: str) -> None:
    """A store tries until it is told that its receipts are safe."""
    for _ in range(TRIES_MAX):
        if await stage.hub.post(f"/v1/uploads/{CONNECTION}", body, content_type) == ACCEPTED:
            return
        await stage.clock.sleep(RETRY_S)
    raise HubError("A store could not hand over its receipts.")


async def _click(stage: Stage, outside: Outside, order: WebOrder) -> None:
    """A customer buys what the shop shows; what it shows as gone cannot be bought."""
    lines = tuple(PurchaseLine(line.sku, line.quantity) for line in order.lines)
    placed = stage.shop.shop.place_order(Purchase(lines=lines))
    if isinstance(placed, OutOfStock):
        outside.turned_away += 1
    else:
        outside.web_orders += 1


async def _erp_outage(stage: Stage, outside: Outside, last: int) -> None:
    await stage.clock.sleep(ERP_AWAY_FROM * last * TICK_S)
    outside.erp_away, outside.erp_down_at = True, stage.clock.now()
    await stage.erp.stop()
    await stage.clock.sleep(stage.script.erp_down_s)
    await stage.erp.start()
    outside.erp_away = False
