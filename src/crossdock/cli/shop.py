"""`crossdock shop`: a web shop to rehearse with, on this machine only."""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Final

import msgspec

from crossdock.cli.context import settings
from crossdock.cli.output import AsJson, CommandError, print_json, say
from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.simulation.shop.seed import SeedError, ShopSeed
from crossdock.simulation.shop.server import ListenError, OpenShop, open_shop

SEED: Final = Path("examples/rehearsal/shop.json")


def shop(seed: Path = SEED, *, port: int = 0, json: AsJson = False) -> int:
    """Open a shop that speaks Shopify's protocol, with its limits and its bad days, until it is told to stop.

    Args:
        seed: What it starts with: locations, items with stock, currency, tax.
        port: Of 127.0.0.1; 0 takes a free one.
        json: Print JSON for machines.
    """
    try:
        read = msgspec.json.decode(seed.read_bytes(), type=ShopSeed)
        asyncio.run(_keep_open(read, port, settings().specs_folder, as_json=json))
    except (OSError, msgspec.MsgspecError, SeedError, ListenError) as error:
        raise CommandError(f"The rehearsal shop cannot open: {error}") from error
    return 0


async def _keep_open(seed: ShopSeed, port: int, specs: Path, *, as_json: bool) -> None:
    async with open_shop(seed, clock=SYSTEM_CLOCK, specs=specs, port=port) as opened:
        _tell(seed, opened, as_json=as_json)
        sys.stdout.flush()  # it may be read by a script that waits for it
        stop = asyncio.Event()
        for each in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(each, stop.set)
        await stop.wait()


def _tell(seed: ShopSeed, opened: OpenShop, *, as_json: bool) -> None:
    if as_json:
        print_json({"url": opened.url, "checks": opened.checks})
        return
    say(f"{seed.name} is open at {opened.url} (requests are checked against the {opened.checks} schema).")
    say(
        "What customers and staff do there: POST /_control/orders and others, see docs/how-to/rehearse.md. Ctrl-C closes it."
    )
