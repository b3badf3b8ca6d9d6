"""Open a rehearsal shop from a seed file: `python -m crossdock.simulation.shop SEED.json [--port N]`."""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

import msgspec

from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.log import configure
from crossdock.foundation.settings import SettingError, Settings
from crossdock.simulation.shop.seed import SeedError, ShopSeed
from crossdock.simulation.shop.server import ListenError, open_shop


async def _keep_open(seed: ShopSeed, port: int, specs: Path | None) -> None:
    async with open_shop(seed, clock=SYSTEM_CLOCK, specs=specs, port=port) as opened:
        sys.stdout.write(f"{opened.url} checks: {opened.checks}\n")
        sys.stdout.flush()
        stop = asyncio.Event()
        for each in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(each, stop.set)
        await stop.wait()


def main() -> int:
    """Run until told to stop; a seed or port that cannot be used is one sentence and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m crossdock.simulation.shop", description=__doc__)
    parser.add_argument("seed", type=Path, help="JSON file: locations, items with stock, currency, tax")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one and prints it")
    arguments = parser.parse_args()
    try:
        settings = Settings.from_environment(os.environ)
        configure(settings.log_level, settings.log_format)
        seed = msgspec.json.decode(arguments.seed.read_bytes(), type=ShopSeed)
        asyncio.run(_keep_open(seed, arguments.port, settings.specs_folder))
    except (OSError, msgspec.MsgspecError, SeedError, SettingError, ListenError) as error:
        sys.stderr.write(f"The rehearsal shop cannot open: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
