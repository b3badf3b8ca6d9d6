"""kill -9 at any instant: every intent becomes exactly one document."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.db import Database
from crossdock.foundation.ids import randomness
from crossdock.outbound.model import IntentState
from outbound.pump_process import SETTLE, SPAN
from outbound.rig import TRANSFERS, Rig, connector, derive_all, estate, intents, tell, transfer, until, until_state
from outbound.target import Fault, Target, serving

RETAILER = estate(TRANSFERS)
ROOT = Path(__file__).parents[2]
INTENTS = 400


async def test_a_pump_killed_again_and_again_makes_each_document_once(database: Database) -> None:
    chance = randomness(11)
    target = Target(delay_s=0.01, plan=lambda _r, _n: Fault.LOSE_ANSWER if chance.random() < 0.1 else Fault.NONE)
    await tell(database, *(transfer(number) for number in range(INTENTS)))
    await derive_all(database, RETAILER)

    async with serving(target):
        for _ in range(4):
            before = len(target.documents)
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                str(Path(__file__).with_name("pump_process.py")),
                database.dsn,
                target.url,
                env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT / 'tests'}"},
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )

            async def at_work(before: int = before) -> bool:
                return len(target.documents) > before

            await until(at_work)
            await SYSTEM_CLOCK.sleep(chance.uniform(0.0, 0.15))
            process.send_signal(signal.SIGKILL)
            await process.wait()
        interrupted = sum(intent.state is IntentState.SENDING for intent in await intents(database))
        rig = Rig(database, RETAILER, connector(serial=False, settle=SETTLE), span=SPAN)
        async with rig.pumping(target):
            await until_state(database, IntentState.LANDED)

    assert interrupted > 0
    assert sorted(document.reference for document in target.documents) == sorted(f"T-{n}" for n in range(INTENTS))
