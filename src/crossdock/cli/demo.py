"""`crossdock demo`: a trading day on real systems, with the proof at its end."""

import json as jsonlib
import signal
from zoneinfo import ZoneInfo

import uvloop

from crossdock.cli.context import settings
from crossdock.cli.output import EXIT_FINDINGS, AsJson, CommandError, console, errors
from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.simulation.erp import ErpError
from crossdock.simulation.retailer.catalogue import ZONES
from crossdock.simulation.trading_day.hub import HubError
from crossdock.simulation.trading_day.running import run_day
from crossdock.simulation.trading_day.stage import Script


def demo(*, orders: int = 40, seconds: float = 90.0, seed: int = 1, json: AsJson = False) -> int:
    """Play one trading day: receipts of ten stores, web orders, a real ERP that goes down and comes back.

    Exit code 0 only if every claim of the proof holds.

    Args:
        orders: Web orders of the day.
        seconds: Real time from opening to closing; the ERP then works off what is left.
        seed: Another seed is another day.
        json: Print the proof as JSON at the end.
    """
    now = SYSTEM_CLOCK.now()
    today = min(now.astimezone(ZoneInfo(zone)).date() for zone in ZONES)  # begun in every store: it will be closed
    script = Script(business_day=today, seed=seed, web_orders=orders, seconds=seconds)
    shown = errors if json else console
    # Whoever ends us ends what we started: the default of SIGTERM would leave hub, shop and ERP running.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        result = uvloop.run(run_day(script, settings(), SYSTEM_CLOCK, shown))
    except (ErpError, HubError) as error:
        raise CommandError(str(error)) from error
    if json:
        claims = [{"claim": claim.text, "holds": claim.holds, "figures": claim.figures} for claim in result.claims]
        console.print_json(jsonlib.dumps({"holds": result.holds, "claims": claims}))
    return 0 if result.holds else EXIT_FINDINGS
