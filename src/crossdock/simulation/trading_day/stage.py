"""Everything that must stand before the doors open: ERP, web shop, hub, identities, opening stock."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from crossdock.foundation.clock import Clock
from crossdock.foundation.settings import Settings
from crossdock.simulation.erp import PASSWORD, Erp, Progress, running_erp
from crossdock.simulation.retailer.day import load_day
from crossdock.simulation.retailer.model import DayRules, TradingDay
from crossdock.simulation.shop.server import OpenShop, open_shop
from crossdock.simulation.trading_day.feed import Feed
from crossdock.simulation.trading_day.hub import SCOPES, HubProcess, hub_process
from crossdock.simulation.trading_day.seeds import erp_seed, shop_seed, write_estate

Report = Callable[[str, float], None]
"""A step's name and how much of it is done, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """How the day is to be played."""

    business_day: date
    seed: int = 1
    web_orders: int = 40
    seconds: float = 90.0
    """Real time from opening to closing."""
    erp_down_s: float = 15.0
    """How long the ERP is away in the middle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The day about to begin."""

    script: Script
    day: TradingDay
    erp: Erp
    shop: OpenShop
    hub: HubProcess
    feed: Feed
    clock: Clock


@asynccontextmanager
async def set_stage(script: Script, settings: Settings, clock: Clock, report: Report) -> AsyncIterator[Stage]:
    """All systems running with the retailer in them; ended when the block ends."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="crossdock-day-")))
        cache = settings.cache_folder
        rules = DayRules(
            business_day=script.business_day,
            seed=script.seed,
            web_orders=script.web_orders,
            web_prices_include_tax=False,
        )
        day = await asyncio.to_thread(load_day, rules, cache)
        report("receipts of ten stores", 1.0)
        seed = shop_seed(day)
        shop = await stack.enter_async_context(open_shop(seed, clock=clock, specs=_specs(settings)))
        secrets = {
            "ERP_PASSWORD": PASSWORD,
            "SHOP_TOKEN": seed.access_token,
            "SHOP_SECRET": seed.client_secret,
        }
        hub = await stack.enter_async_context(hub_process(folder, secrets, clock))
        starting = asyncio.create_task(_start(hub, report))
        try:
            erp = await stack.enter_async_context(
                running_erp(erp_seed(day), cache=cache, report=lambda progress: _passed_on(progress, report))
            )
        finally:
            await asyncio.gather(starting, return_exceptions=True)
        await starting
        write_estate(
            day, hub.estate, erp_url=erp.base_url, erp_database=erp.database, erp_user=erp.user, shop_url=shop.url
        )
        await _open(hub, report)
        yield Stage(script=script, day=day, erp=erp, shop=shop, hub=hub, feed=Feed(hub), clock=clock)


async def _start(hub: HubProcess, report: Report) -> None:
    """The hub starts beside the ERP; it waits for its estate."""
    report("starting the hub", 0.0)
    await hub.start()
    scopes = [word for scope in SCOPES for word in ("--scope", scope)]
    hub.key = (await hub.command("key", "create", "trading-day", *scopes)).strip()
    report("starting the hub", 1.0)


async def _open(hub: HubProcess, report: Report) -> None:
    """What a person does once: read the ERP's items and stock, say who is who, let the shop call us."""

    async def step(name: str, *words: str) -> None:
        report(name, 0.0)
        await hub.command(*words)
        report(name, 1.0)

    await step("applying the estate", "estate", "apply")
    await step("reading items from the ERP", "load", "erp", "items")
    await asyncio.gather(
        step("matching the ERP's items and locations", "match", "erp", "--apply"),
        step("matching the shop's items", "match", "shop", "sku", "--apply"),
    )
    await asyncio.gather(
        step("reading the opening stock from the ERP", "load", "erp", "stock"),
        step("registering the shop's webhooks", "connection", "register", "shop", "--public-url", hub.url),
    )


def _passed_on(progress: Progress, report: Report) -> None:
    report(progress.step.value, progress.done / progress.total if progress.total else 0.0)


def _specs(settings: Settings) -> Path | None:
    return settings.specs if settings.specs.is_dir() else None
