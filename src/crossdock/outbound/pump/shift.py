"""The work under one lease. Everything that ended since the last write and everything begun next share one commit."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final, Literal, TypeAlias

from crossdock.connections import service as connections
from crossdock.connections.leases import DATABASE_GONE, Held
from crossdock.connections.model import BreakerState, ConnectionState
from crossdock.connections.service import LeaseLostError
from crossdock.foundation.clock import Clock
from crossdock.foundation.db import Database, Tx
from crossdock.foundation.hints import Hints
from crossdock.foundation.log import logger
from crossdock.foundation.tasks import end
from crossdock.foundation.telemetry import continued
from crossdock.foundation.trouble import Trouble
from crossdock.outbound import store
from crossdock.outbound.model import Ended, Verdict
from crossdock.outbound.pump import ledger
from crossdock.outbound.pump.calls import carry_out, look
from crossdock.outbound.pump.desk import Desk
from crossdock.outbound.pump.ledger import Begun, Claimed, Finished, Recorded
from crossdock.outbound.pump.publishing import Publisher
from crossdock.outbound.pump.rules import share

log = logger(__name__)

IDLE_FIRST_S: Final = 0.05
IDLE_MAX_S: Final = 1.0
IDLE_WITHOUT_FLOWS_S: Final = 30.0
"""Nothing is sent through this connection: only what an earlier estate left behind could be due."""
LOOK_EVERY_S: Final = 0.05
"""Hints come with every commit of the whole hub; after a look that found nothing they wait this long."""
DOUBTS_EVERY_S: Final = 0.05
HEALTH_EVERY_S: Final = 10.0
SWEEP_EVERY_S: Final = 30.0
HINT_S: Final = 3600.0
TICK_S: Final = 0.001

AnyTask: TypeAlias = "asyncio.Task[None] | asyncio.Task[bool] | asyncio.Task[Literal[True]]"


class Shift:
    """Calls in flight, answers not yet written, and the rhythm of looking for more."""

    def __init__(
        self, database: Database, desk: Desk, held: Held, hints: Hints, clock: Clock, *, trouble: Trouble
    ) -> None:
        self._database = database
        self._desk = desk
        self._held = held
        self._hints = hints
        self._clock = clock
        self._trouble = trouble
        self._calls: dict[asyncio.Task[None], Begun] = {}
        self._answers: list[Finished] = []
        self._publishers = [Publisher(database, desk, flow, send, source) for flow, send, source in desk.state_sends()]
        self._publishing: dict[asyncio.Task[bool], Publisher] = {}
        self._publications_turn = True
        self._orphans_possible = False
        self._doubts_at_s = 0.0
        self._sweep_at_s = 0.0
        self._breaker = desk.line.allowance.breaker.state
        self._health_at_s = clock.monotonic()

    async def work(self, stop: asyncio.Event, grace_s: float) -> None:
        """Until *stop* is set (calls in flight get *grace_s*) or the lease is lost (they are dropped)."""
        ends = [asyncio.create_task(stop.wait()), asyncio.create_task(self._held.lost.wait())]
        hint = asyncio.create_task(self._hints.wait(HINT_S))
        idle_max_s = IDLE_MAX_S if self._desk.flows else IDLE_WITHOUT_FLOWS_S
        idle_s = IDLE_FIRST_S
        try:
            while not stop.is_set() and not self._held.lost.is_set():
                did = await self._step()
                await self._trouble.got_on()
                if did:
                    idle_s = IDLE_FIRST_S
                elif self._desk.flows:
                    await self._wait(LOOK_EVERY_S, ends)
                await self._wait(idle_s, {hint, *ends} if self._desk.flows else ends)
                idle_s = min(idle_s * 2, idle_max_s)
                if hint.done():  # listens again before the next step looks, so that no hint falls between
                    hint = asyncio.create_task(self._hints.wait(HINT_S))
            if self._held.lost.is_set():
                raise LeaseLostError(self._held.lease.name)
            await self._finish(grace_s)
        finally:
            for task in (hint, *ends):
                task.cancel()
            await self._drop()

    async def _step(self) -> bool:
        """Write what ended and begin what is due until nothing more can be begun; whether anything was done."""
        did = self._reap()
        while True:
            try:
                await self._sweep()
                again = await self._turn()
            except DATABASE_GONE as error:
                # A commit that nobody heard of may have marked intents that were never begun.
                self._orphans_possible = True
                log.warning("pump_lost_database", connection=self._desk.connection, error=str(error).strip())
                return False
            did = did or again
            if not again or self._held.lost.is_set():
                return did or bool(self._calls)

    async def _turn(self) -> bool:
        allowance = self._desk.line.allowance
        ready = [publisher for publisher in self._publishers if self._may_start(publisher)]
        free = 0 if allowance.wait_s() > 0 else allowance.places() - len(self._calls) - len(self._publishing)
        shares = share(free, len(ready), publications_turn=self._publications_turn)
        self._start_publications(ready[: shares.publications])
        claimed = await self._write_and_claim(shares.intents)
        for begun in claimed.begun:
            self._calls[asyncio.create_task(self._call(begun))] = begun
        left = shares.intents - len(claimed.begun)
        self._start_publications(ready[shares.publications :][: max(0, left)])
        self._publications_turn = bool(claimed.begun)
        self._answers += claimed.given_up
        return claimed.changed

    # --- writing ---

    async def _write_and_claim(self, slots: int) -> Claimed:
        answers, self._answers = self._answers, []
        try:
            must = bool(answers) or self._orphans_possible or self._health_due()
            if must or (self._can_begin(slots) and await self._work_waits()):
                return await self._write(answers, slots)
        except DATABASE_GONE:
            self._answers = [*answers, *self._answers]
            raise
        return Claimed()

    def _can_begin(self, slots: int) -> bool:
        return slots > 0 and (self._serial_free() or not self._desk.all_serial)

    async def _work_waits(self) -> bool:
        async with self._database.transaction() as tx:
            return await store.work_waits(tx, self._desk.connection, self._clock.now())

    async def _write(self, answers: Sequence[Finished], slots: int) -> Claimed:
        """One transaction for all; when one answer cannot be written, each gets its own."""
        try:
            claimed = await self._write_together(answers, slots)
        except (LeaseLostError, *DATABASE_GONE):
            raise
        except Exception:
            if not answers:
                raise
            log.exception("answers_not_recorded", connection=self._desk.connection, answers=len(answers))
            for answer in answers:
                await self._write_alone(answer)
            claimed = Claimed(changed=True)
        if answers or claimed.changed:
            self._hints.ring()
        return claimed

    async def _write_together(self, answers: Sequence[Finished], slots: int) -> Claimed:
        lease, now = self._held.lease, self._clock.now()
        async with self._database.transaction() as tx:
            state = await connections.hold_to_send(tx, lease, self._desk.connection)
            if self._orphans_possible:
                own = [intent.id for begun in self._calls.values() for intent in begun.intents]
                own += [answer.intent.id for answer in [*answers, *self._answers]]
                await ledger.recover(tx, self._desk, lease, now, own=own)
            recorded = await ledger.record(tx, self._desk, lease, answers, now) if answers else Recorded()
            if recorded.pause is not None:
                self._desk.line.allowance.pause(recorded.pause)
            usable = state is ConnectionState.WORKING and not recorded.broke and recorded.pause is None
            await self._note_health(tx)
            claimed = await ledger.claim(
                tx,
                self._desk,
                lease,
                now,
                slots=slots if usable else 0,
                serial_free=self._serial_free(),
                doubts=self._doubts_due(),
            )
        self._orphans_possible = False
        if not claimed.doubts:
            self._doubts_at_s = self._clock.monotonic() + DOUBTS_EVERY_S
        return claimed

    def _doubts_due(self) -> bool:
        """Doubts are rare and wait for their settle time anyway: not worth a look with every commit."""
        return self._clock.monotonic() >= self._doubts_at_s

    async def _write_alone(self, answer: Finished) -> None:
        lease, now = self._held.lease, self._clock.now()
        try:
            async with self._database.transaction() as tx:
                await connections.hold_lease(tx, lease)
                await ledger.record(tx, self._desk, lease, [answer], now)
        except (LeaseLostError, *DATABASE_GONE):
            raise
        except Exception as error:
            log.exception("answer_not_recorded", intent=str(answer.intent.id), kind=answer.intent.kind)
            async with self._database.transaction() as tx:
                await connections.hold_lease(tx, lease)
                await ledger.record_unrecordable(tx, lease, answer, error, now)

    async def _sweep(self) -> None:
        """Put the flags right that save looking at what waits behind others."""
        if self._clock.monotonic() < self._sweep_at_s:
            return
        async with self._database.transaction() as tx:
            await connections.hold_lease(tx, self._held.lease)
            await store.sweep(tx, self._desk.connection)
        self._sweep_at_s = self._clock.monotonic() + SWEEP_EVERY_S

    def _health_due(self) -> bool:
        state = self._desk.line.allowance.breaker.state
        return state is not self._breaker or self._clock.monotonic() - self._health_at_s > HEALTH_EVERY_S

    async def _note_health(self, tx: Tx) -> None:
        """Write what people see. When the circuit closes, what only waited for that need not wait on."""
        if not self._health_due():
            return
        state = self._desk.line.allowance.breaker.state
        if state is BreakerState.CLOSED and self._breaker is not BreakerState.CLOSED:
            await store.hasten(tx, self._desk.connection, self._clock.now())
        await connections.note_health(tx, self._desk.connection, self._desk.line.allowance.health())
        self._breaker, self._health_at_s = state, self._clock.monotonic()

    # --- calls ---

    def _serial_free(self) -> bool:
        sending = any(begun.send.serial and not begun.probes for begun in self._calls.values())
        return not sending and not any(publisher.serial for publisher in self._publishing.values())

    def _may_start(self, publisher: Publisher) -> bool:
        if publisher in self._publishing.values() or not publisher.ready(self._clock):
            return False
        return not publisher.serial or self._serial_free()

    def _start_publications(self, publishers: Sequence[Publisher]) -> None:
        for publisher in publishers:
            if self._may_start(publisher):
                task = asyncio.create_task(publisher.publish(self._held.lease, self._clock))
                self._publishing[task] = publisher

    async def _call(self, begun: Begun) -> None:
        started_at, session = self._clock.now(), self._desk.line.session
        # The target's own traces continue ours: one id from the customer's click to its document.
        with continued(begun.intents[0].correlation_id, f"{'probe' if begun.probes else 'send'} {begun.send.kind}"):
            if begun.probes:
                ended = [await look(session, begun.send, begun.documents[0])]
            else:
                ended = list(await carry_out(session, begun.send, begun.documents))
        ended_at = self._clock.now()
        self._answers += [
            Finished(intent=intent, ended=self._timed(one), started_at=started_at, ended_at=ended_at)
            for intent, one in zip(begun.intents, ended, strict=True)
        ]

    def _timed(self, ended: Ended) -> Ended:
        """Throttling that the connector did not time lasts as long as the answer's own headers asked for."""
        if ended.verdict is not Verdict.THROTTLED or ended.wait is not None:
            return ended
        paused_s = self._desk.line.allowance.paused_s()
        return replace(ended, wait=timedelta(seconds=paused_s)) if paused_s > 0 else ended

    def _reap(self) -> bool:
        """Forget tasks that have ended; whether any of them did something."""
        did = False
        for task in [task for task in self._calls if task.done()]:
            del self._calls[task]
            did = True
            if (error := task.exception()) is not None:
                self._orphans_possible = True
                log.error("call_failed", connection=self._desk.connection, exc_info=error)
        for publication in [task for task in self._publishing if task.done()]:
            publisher = self._publishing.pop(publication)
            failure = publication.exception()
            if isinstance(failure, LeaseLostError):
                raise failure
            if failure is not None:
                publisher.fail(self._clock)
                log.error("publication_failed", connection=self._desk.connection, exc_info=failure)
            else:
                did = publication.result() or did
        return did

    async def _wait(self, idle_s: float, others: Collection[AnyTask]) -> None:
        """Until a call ends, a hint comes, the end is called, the budget allows more, or the idle time is over."""
        budget_s = self._desk.line.allowance.wait_s()
        timeout_s = min(idle_s, budget_s) if budget_s > 0 else idle_s
        waiting: set[AnyTask] = {*self._calls, *self._publishing, *others}
        await asyncio.wait(waiting, timeout=max(timeout_s, TICK_S), return_when=asyncio.FIRST_COMPLETED)

    async def _finish(self, grace_s: float) -> None:
        """Let calls in flight end and write what they brought; begin nothing."""
        running = {*self._calls, *self._publishing}
        if running:
            await asyncio.wait(running, timeout=grace_s)
        self._reap()
        if self._answers:
            await self._write(self._answers, slots=0)

    async def _drop(self) -> None:
        """Cancel what still runs: it stays `sending` and the next holder looks for it."""
        await end({*self._calls, *self._publishing})
