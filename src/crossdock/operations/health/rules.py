"""From figures to findings: what is well, what is not, what to do. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from crossdock.connector_kit.model import Finding
from crossdock.eventlog.upkeep.store import Reader
from crossdock.operations.health.store import Server, Snapshot
from crossdock.operations.stuck.service import Stuck

HORIZON_MAX: Final = timedelta(minutes=1)
"""An open transaction of this age delays everything that follows the event log."""
CLOCK_MAX: Final = timedelta(seconds=2)
CONNECTIONS_SHARE_MAX: Final = 0.8
ROOM_MIN: Final = 2 * 1024**3
ROOM_SHARE_MIN: Final = 0.05


def server_findings(server: Server, now: datetime) -> Iterator[Finding]:
    """The server's own settings and state."""
    text = f"PostgreSQL {server.version}, {_size(server.size_bytes)}"
    yield Finding(subject="database", ok=True, text=text)
    durable = server.fsync == "on" and server.synchronous_commit not in {"off", "local"}
    yield Finding(
        subject="durability",
        ok=durable,
        text=f"fsync {server.fsync}, synchronous_commit {server.synchronous_commit}",
        todo="" if durable else "Turn both on: what is acknowledged must be on disk.",
    )
    full = server.connections > CONNECTIONS_SHARE_MAX * server.connections_max
    yield Finding(
        subject="sessions",
        ok=not full,
        text=f"{server.connections} of {server.connections_max}",
        todo="Raise max_connections, or lower CROSSDOCK_POOL_SIZE_MAX." if full else "",
    )
    yield clock_finding(server.now, now)


def clock_finding(theirs: datetime, ours: datetime) -> Finding:
    """Leases and holds are counted on both clocks."""
    apart = abs(theirs - ours)
    wrong = apart > CLOCK_MAX
    return Finding(
        subject="clock",
        ok=not wrong,
        text=f"{apart.total_seconds():.1f} s apart from the database's",
        todo="Let both machines take their time from the same source (NTP)." if wrong else "",
    )


def horizon_finding(snapshots: Sequence[Snapshot], now: datetime) -> Finding:
    """The event log is read only below the oldest open transaction, whoever's it is."""
    oldest = snapshots[0] if snapshots else None
    age = timedelta(0) if oldest is None else max(timedelta(0), now - oldest.since)
    if oldest is None or age <= HORIZON_MAX:
        text = f"the oldest open transaction is {age.total_seconds():.0f} s old"
        return Finding(subject="horizon", ok=True, text=text)
    return Finding(
        subject="horizon",
        ok=False,
        text=f"{oldest.owner} ({oldest.name}) has kept a transaction open for {age.total_seconds() / 60:.0f} min",
        todo="Nothing that follows the event log goes on before it ends: end it.",
    )


def room_finding(folder: str, free: int, total: int) -> Finding:
    """A full disk stops acknowledging."""
    tight = free < ROOM_MIN or free < ROOM_SHARE_MIN * total
    return Finding(
        subject="disk",
        ok=not tight,
        text=f"{_size(free)} of {_size(total)} free where {folder} lies",
        todo="Free some space: a full disk stops acknowledging." if tight else "",
    )


def exception_findings(counts: Sequence[tuple[str, str, int, int, Decimal]]) -> Iterator[Finding]:
    """Work that people have left beyond its clock."""
    late = [(owner, kind, overdue) for owner, kind, _, overdue, _ in counts if overdue]
    for owner, kind, overdue in late:
        todo = f"crossdock exceptions list --owner {owner} --type {kind}"
        yield Finding(subject="exceptions", ok=False, text=f"{overdue} {kind} of {owner} are overdue", todo=todo)
    if not late:
        opened = sum(count for _, _, count, _, _ in counts)
        yield Finding(subject="exceptions", ok=True, text=f"{opened} open, none overdue")


def work_findings(stuck: Sequence[Stuck], now: datetime) -> Iterator[Finding]:
    """The hub's own work that fails again and again."""
    for each in stuck:
        minutes = (now - each.since).total_seconds() / 60
        yield Finding(
            subject="work",
            ok=False,
            text=f"`{each.work}` has not got on for {minutes:.0f} min: {each.error}",
            todo="Remove what it fails of; if it is a mistake of the hub's, report it with its trace from the log.",
        )
    if not stuck:
        yield Finding(subject="work", ok=True, text="everything gets on")


def reader_findings(readers: Sequence[Reader]) -> Iterator[Finding]:
    """Readers of the event log that keep months beyond their retention."""
    holding = [each for each in readers if each.holds]
    for each in holding:
        yield Finding(
            subject="event log",
            ok=False,
            text=f"{each.name} has not read {each.holds} to its end, so that month is kept beyond its retention "
            f"(it moved last on {each.moved_at:%Y-%m-%d})",
            todo="Start the workers; if no release of yours has that reader any more: "
            f"`crossdock log forget {each.name}`.",
        )
    if not holding:
        yield Finding(subject="event log", ok=True, text="no reader keeps a month beyond its retention")


def _size(size: int) -> str:
    amount = Decimal(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 1000:  # noqa: PLR2004 (decimal units)
            return f"{amount:.0f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"
