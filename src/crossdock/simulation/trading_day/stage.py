"""Everything that must stand before the doors open: ERP, web shop, hub, identities, opening stock."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from crossdock.foundation.clock import Clock
from crossdock.foundation.settings import Settings
from crossdock.simulation.erp import PASSWORD, Erp, Progress, running_erp
from crossdock.simulation.retailer.day import load_day
from crossdock.simulation.retailer.model import DayRules, TradingDay
from crossdock.simulation.shop.api.schema import load_checks
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
        secrets = {
            "ERP_PASSWORD": PASSWORD,
            "SHOP_TOKEN": seed.access_token,
            "SHOP_SECRET": seed.client_secret,
        }
        hub = await stack.enter_async_context(hub_process(folder, secrets, clock))
        starting = asyncio.create_task(_start(hub, report))
        reading = asyncio.create_task(asyncio.to_thread(load_checks, _specs(settings)))
        try:
            erp = await stack.enter_async_context(
                running_erp(erp_seed(day), cache=cache, report=lambda progress: _passed_on(progress, report))
            )
            await reading
            shop = await stack.enter_async_context(open_shop(seed, clock=clock, specs=_specs(settings)))
        finally:
            await asyncio.gather(starting, reading, return_exceptions=True)
        await starting
        stack.push_async_callback(hub.stop)  # before those that it talks to
        write_estate(
            day, hub.estate, erp_url=erp.base_url, erp_database=erp.database, erp_user=erp.user, shop_url=shop.url
        )
        await _open(hub, report)
        yield Stage(script=script, day=day, erp=erp, shop=shop, hub=hub, feed=Feed(hub), clock=clock)


async def _start(hub: HubProcess, report: Report) -> None:
    """The hub starts beside the ERP; it waits for its estate."""
    report("starting the hub", 0.0)
    await hub.start()
    report("starting the hub", 1.0)


def _steps(hub: HubProcess) -> Sequence[tuple[str, Sequence[str]]]:
    """What a person does once, and how it is called on the screen."""
    scopes = [word for scope in SCOPES for word in ("--scope", scope)]
    return (
        ("making a key for the API", ("key", "create", "trading-day", *scopes)),
        ("applying the estate", ("estate", "apply")),
        ("reading items from the ERP", ("load", "erp", "items")),
        ("matching the ERP's items and locations", ("match", "erp", "--apply")),
        ("matching the shop's items", ("match", "shop", "sku", "--apply")),
        ("registering the shop's webhooks", ("connection", "register", "shop", "--public-url", hub.url)),
        ("reading the opening stock from the ERP", ("load", "erp", "stock")),
    )


async def _open(hub: HubProcess, report: Report) -> None:
    """Say who is who, read the ERP's items and stock, let the shop call us."""
    steps = _steps(hub)

    def begun(number: int) -> None:
        if number:
            report(steps[number - 1][0], 1.0)
        report(steps[number][0], 0.0)

    said = await hub.script([words for _, words in steps], begun)
    report(steps[-1][0], 1.0)
    hub.key = said.partition("\n")[0]


def _passed_on(progress: Progress, report: Report) -> None:
    report(progress.step.value, progress.done / progress.total if progress.total else 0.0)


def _specs(settings: Settings) -> Path | None:
    return settings.specs_folder if settings.specs_folder.is_dir() else None
