"""Figures become findings that say what to do."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from crossdock.operations.health.rules import (
    clock_finding,
    exception_findings,
    horizon_finding,
    room_finding,
    server_findings,
)
from crossdock.operations.health.store import Server, Snapshot

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
GB = 1024**3


def server(**changed: object) -> Server:
    facts: dict[str, object] = {
        "version": "18.0",
        "fsync": "on",
        "synchronous_commit": "on",
        "connections_max": 100,
        "connections": 10,
        "size_bytes": 12_000_000,
        "now": NOW,
    }
    return Server(**{**facts, **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({}, set()),
        ({"fsync": "off"}, {"durability"}),
        ({"synchronous_commit": "off"}, {"durability"}),
        ({"synchronous_commit": "remote_apply"}, set()),
        ({"connections": 81}, {"sessions"}),
        ({"now": NOW + timedelta(seconds=5)}, {"clock"}),
    ],
)
def test_a_server_is_judged_by_what_the_promises_need(changed: dict[str, object], wrong: set[str]) -> None:
    findings = list(server_findings(server(**changed), NOW))

    assert {finding.subject for finding in findings if not finding.ok} == wrong
    assert all(finding.todo for finding in findings if not finding.ok)


def test_an_old_transaction_is_named_because_the_log_waits_for_it() -> None:
    report = Snapshot(name="4711", owner="reports", since=NOW - timedelta(minutes=12))

    finding = horizon_finding([report], NOW)

    assert not finding.ok
    assert finding.text == "reports (4711) has kept a transaction open for 12 min"
    assert horizon_finding([Snapshot(name="1", owner="hub", since=NOW)], NOW).ok
    assert horizon_finding([], NOW).ok


@pytest.mark.parametrize(("free", "ok"), [(100 * GB, True), (1 * GB, False), (3 * GB, False)])
def test_little_room_is_a_finding_in_bytes_and_in_share(free: int, *, ok: bool) -> None:
    assert room_finding("/data", free, 1000 * GB if free < 50 * GB else 200 * GB).ok is ok


def test_work_beyond_its_clock_is_told_per_owner_and_type() -> None:
    counts = [("finance", "receipt_unsound", 3, 2, Decimal(10)), ("operations", "order_manual", 1, 0, Decimal(0))]

    findings = list(exception_findings(counts))

    assert [(finding.ok, finding.text) for finding in findings] == [(False, "2 receipt_unsound of finance are overdue")]
    assert [finding.text for finding in exception_findings([])] == ["0 open, none overdue"]


def test_clocks_that_agree_within_two_seconds_are_well() -> None:
    assert clock_finding(NOW, NOW + timedelta(seconds=2)).ok
    assert not clock_finding(NOW, NOW - timedelta(seconds=3)).ok
