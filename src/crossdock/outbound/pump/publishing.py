"""One state flow of one connection: a batch at a time, with its back-off and the subjects it leaves alone."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from crossdock.connections import service as connections
from crossdock.connections.model import Lease
from crossdock.connector_kit.model import Send
from crossdock.estate.model import Flow
from crossdock.foundation.clock import Clock
from crossdock.foundation.db import Database
from crossdock.outbound.derivation.rules import flow_key
from crossdock.outbound.ports import StateSource
from crossdock.outbound.publication import service as publication
from crossdock.outbound.publication.rules import WAITS
from crossdock.outbound.publication.service import Channel, Written
from crossdock.outbound.pump.calls import carry_out
from crossdock.outbound.pump.desk import Desk
from crossdock.outbound.rules import backoff_s

LOOK_S: Final = 0.05
"""Between two looks that found nothing."""
SETTLE_MIN: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """When the flow may go on: kept in memory, because what is not confirmed is simply still pending."""

    not_before_s: float = 0.0
    failures: int = 0


class Publisher:
    """Sends the newest state of one flow."""

    def __init__(self, database: Database, desk: Desk, flow: Flow, send: Send, source: StateSource) -> None:
        self._database = database
        self._line = desk.line
        self._chance = desk.chance
        self._flow = flow
        self._send = send
        self._source = source
        self._rhythm = Rhythm()
        self._held_back: dict[str, float] = {}
        self._channel = Channel(
            connection=desk.connection,
            kind=send.kind,
            flow=flow_key(flow),
            priority=flow.priority,
            batch_max=send.batch_max,
        )

    @property
    def serial(self) -> bool:
        """Never beside another serial call of the connection."""
        return self._send.serial

    def ready(self, clock: Clock) -> bool:
        """May it look for something to send now?"""
        return clock.monotonic() >= self._rhythm.not_before_s

    async def publish(self, lease: Lease, clock: Clock) -> bool:
        """Read, call, write; whether anything was sent."""
        held_back = self._still_held(clock)
        async with self._database.transaction() as tx:
            items = await publication.read(tx, self._channel, self._source, held_back)
        if not items:
            self._rhythm = replace(self._rhythm, not_before_s=clock.monotonic() + LOOK_S)
            return False
        started_at = clock.now()
        ended = await carry_out(self._line.session, self._send, [item.document for item in items])
        async with self._database.transaction() as tx:
            await connections.hold_lease(tx, lease)
            written = await publication.write(
                tx,
                self._channel,
                self._source,
                list(zip(items, ended, strict=True)),
                started_at=started_at,
                now=clock.now(),
            )
        self._pace(written, clock)
        return True

    def fail(self, clock: Clock) -> None:
        """The batch came to no end that could be written: what was sent is simply still pending."""
        self._back_off(clock.monotonic())

    def _pace(self, written: Written, clock: Clock) -> None:
        now_s = clock.monotonic()
        until_s = now_s + max(SETTLE_MIN, self._send.settle).total_seconds()
        self._held_back |= dict.fromkeys(written.stale, until_s)
        if written.again_after is not None:
            self._line.allowance.pause(written.again_after)
        if written.verdict in WAITS:
            self._back_off(now_s)
        else:
            self._rhythm = Rhythm()

    def _back_off(self, now_s: float) -> None:
        failures = self._rhythm.failures + 1
        wait_s = backoff_s(failures, self._flow.backoff_s, self._flow.backoff_max_s, self._chance.random())
        self._rhythm = Rhythm(not_before_s=now_s + wait_s, failures=failures)

    def _still_held(self, clock: Clock) -> frozenset[str]:
        now_s = clock.monotonic()
        self._held_back = {subject: until_s for subject, until_s in self._held_back.items() if until_s > now_s}
        return frozenset(self._held_back)
