"""What an attempt's end means for its intent, and how long to wait. Pure: `now` and `chance` are given."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from crossdock.outbound.causes import code, connection_cause, text
from crossdock.outbound.model import Ended, IntentState, Outcome, Terms, Verdict
from crossdock.outbound.states import TABLE, Decision, Event

EXPONENT_MAX: Final = 32
WAIT_MAX: Final = timedelta(hours=1)
"""Longest wait that a vendor's throttling may impose on one intent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the decision looks at in an intent."""

    kind: str
    connection: str
    state: IntentState
    attempts: int
    """This one included."""
    failures: int


def backoff_s(tries: int, first_s: float, max_s: float, chance: float) -> float:
    """Full jitter: anywhere between nothing and first_s * 2^(tries - 1), capped. *chance* in [0, 1)."""
    assert tries >= 1, tries
    return chance * min(max_s, first_s * 2.0 ** min(tries - 1, EXPONENT_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One attempt's end with everything the decision depends on."""

    intent: Standing
    ended: Ended
    terms: Terms
    now: datetime
    chance: float

    @property
    def again(self) -> datetime:
        """The next moment by the flow's back-off."""
        wait = backoff_s(self.intent.attempts, self.terms.backoff_s, self.terms.backoff_max_s, self.chance)
        return self.now + timedelta(seconds=wait)

    @property
    def throttled_for(self) -> timedelta:
        """What the other side asked for; our back-off when it did not say."""
        return self.again - self.now if self.ended.wait is None else min(self.ended.wait, WAIT_MAX)


def decide(case: Case) -> Decision:
    """Look the verdict up. Only what was certainly not applied goes back to pending."""
    table = PROBED if case.intent.state is IntentState.IN_DOUBT else SENT
    return table[case.ended.verdict](case)


# --- what each verdict means ---------------------------------------------------------------------------------------


def _landed(case: Case) -> Decision:
    if not case.ended.document_id:
        return _unsure(_saying(case, "the target accepted it but named no document"))
    return Decision(
        event=Event.LANDED,
        state=TABLE[case.intent.state, Event.LANDED],
        due_at=case.now,
        failures=case.intent.failures,
        unsure=False,
        outcome=Outcome.APPLIED,
        document_id=case.ended.document_id,
        number=case.ended.number,
    )


def _refused(case: Case) -> Decision:
    return replace(_to(case, Event.REFUSED), outcome=Outcome.DECLINED)


def _not_sent(case: Case) -> Decision:
    return replace(_to(case, Event.NOT_APPLIED), due_at=case.again)


def _throttled(case: Case) -> Decision:
    wait = case.throttled_for
    return replace(_to(case, Event.NOT_APPLIED), due_at=case.now + wait, pause=wait)


def _not_applied(case: Case) -> Decision:
    """The only way back that is limited: it was tried, looked for, and is not there."""
    failures = case.intent.failures + 1
    if failures >= case.terms.attempts_max:
        why = f"{failures} attempts were made and none was applied: {case.ended.reason}".rstrip(": ")
        return replace(_parked(_saying(case, why), f"attempts:{case.intent.kind}"), failures=failures)
    return replace(_to(case, Event.NOT_APPLIED), failures=failures, due_at=case.again)


def _unsure(case: Case) -> Decision:
    """Not before the target has settled: looking too early reads "absent" and doubles."""
    if not case.terms.probes:
        return _nobody_can_look(case)
    settled = case.now + case.terms.settle
    due_at = settled if case.intent.state is IntentState.SENDING else max(settled, case.again)
    return replace(_to(case, Event.UNSURE), due_at=due_at, unsure=True)


def _nobody_can_look(case: Case) -> Decision:
    return replace(_parked(case, f"unsure:{case.intent.kind}"), unsure=True)


def _broken(case: Case) -> Decision:
    parked = _parked(case, connection_cause(case.intent.connection))
    return replace(parked, breaks_connection=True)


def _unmapped(case: Case) -> Decision:
    return _parked(case, case.ended.cause)


def _probe_refused(case: Case) -> Decision:
    return replace(_parked(case, f"probe:{case.intent.kind}"), unsure=True)


def _probe_unmapped(case: Case) -> Decision:
    return replace(_parked(case, case.ended.cause), unsure=True)


def _probe_failed(case: Case) -> Decision:
    if not case.terms.probes:
        return _nobody_can_look(case)
    return replace(_to(case, Event.UNSURE), due_at=case.again, unsure=True)


def _probe_throttled(case: Case) -> Decision:
    wait = case.throttled_for
    return replace(_to(case, Event.UNSURE), due_at=case.now + wait, unsure=True, pause=wait)


def _probe_broken(case: Case) -> Decision:
    return replace(_probe_failed(case), breaks_connection=True)


SENT: Final[Mapping[Verdict, Callable[[Case], Decision]]] = {
    Verdict.LANDED: _landed,
    Verdict.REFUSED: _refused,
    Verdict.STALE: _not_applied,
    Verdict.NOT_SENT: _not_sent,
    Verdict.THROTTLED: _throttled,
    Verdict.UNKNOWN: _unsure,
    Verdict.BROKEN: _broken,
    Verdict.UNMAPPED: _unmapped,
}
PROBED: Final[Mapping[Verdict, Callable[[Case], Decision]]] = {
    Verdict.LANDED: _landed,
    Verdict.ABSENT: _not_applied,
    Verdict.REFUSED: _probe_refused,
    Verdict.STALE: _probe_failed,
    Verdict.NOT_SENT: _probe_failed,
    Verdict.THROTTLED: _probe_throttled,
    Verdict.UNKNOWN: _probe_failed,
    Verdict.BROKEN: _probe_broken,
    Verdict.UNMAPPED: _probe_unmapped,
}


def _parked(case: Case, cause: str) -> Decision:
    return replace(_to(case, Event.PARKED), cause=code(cause))


def _to(case: Case, event: Event) -> Decision:
    return Decision(
        event=event,
        state=TABLE[case.intent.state, event],
        due_at=case.now,
        failures=case.intent.failures,
        unsure=False,
        reason=text(case.ended.reason),
        path=text(case.ended.path),
    )


def _saying(case: Case, reason: str) -> Case:
    return replace(case, ended=replace(case.ended, reason=reason))
