"""Making a month ready never costs a writer its row: who comes meanwhile waits, and is stored in the new month."""

import threading
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from crossdock.foundation.ids import id_floor, new_id

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = %s"
ROOMS = {
    "finance": (
        "SELECT finance.make_partition('rush', %(from)s, %(to)s)",
        (
            "INSERT INTO finance.receipt (store, till, business_day, sequence, id, kind, currency, total, tendered,"
            " fingerprint, document, closing, connection, trace, ended_at, recorded_at)"
            " VALUES ('S1', '1', current_date, (SELECT count(*) FROM finance.receipt), %(id)s, 'sale', 'EUR', 1, 1, '',"
            " '{}', 1, 'tills', %(id)s, now(), now()) RETURNING tableoid::regclass::text"
        ),
    ),
    "inbound": (
        "SELECT inbound.make_partition('message', 'rush', %(low)s, %(high)s)",
        (
            "INSERT INTO inbound.message (id, connection, route, feed, headers, body, received_at)"
            " VALUES (%(id)s, 'shop', 'poll', 'orders', '{}', '', now()) RETURNING tableoid::regclass::text"
        ),
    ),
    "eventlog": (
        "SELECT eventlog.make_partition('rush', %(low)s, %(high)s)",
        (
            "INSERT INTO eventlog.event (id, stream, type, schema_version, happened_at, correlation_id, source, payload)"
            " VALUES (%(id)s, 'order/1', 'order.held', 1, now(), %(id)s, 'test', '{}') RETURNING tableoid::regclass::text"
        ),
    ),
    "outbound": (
        "SELECT outbound.make_partition('attempt', 'rush', %(low)s, %(high)s)",
        (
            "INSERT INTO outbound.attempt"
            " (id, intent_id, number, purpose, started_at, ended_at, verdict, reason, code)"
            " VALUES (%(id)s, %(id)s, 1, 'send', now(), now(), 'landed', '', '') RETURNING tableoid::regclass::text"
        ),
    ),
}


@pytest.mark.parametrize("room", ROOMS)
def test_a_writer_that_comes_while_a_month_is_made_ready_is_stored_in_it(dsn: str, room: str) -> None:
    make, insert = ROOMS[room]
    now = datetime.now(UTC)  # noqa: TID251 (ids are made from the machine's own clock)
    day = timedelta(days=1)
    month = {"low": id_floor(now - day), "high": id_floor(now + day), "from": now.date() - day, "to": now.date() + day}
    stored: list[str] = []

    def write() -> None:
        row = writer.execute(insert.encode(), {"id": new_id()}).fetchone()
        assert row is not None
        stored.append(row[0])

    with psycopg.connect(dsn) as maker, psycopg.connect(dsn, autocommit=True) as writer:
        for _ in range(6):
            write()  # often enough for a prepared statement
        maker.execute(make.encode(), month)
        waiting = threading.Thread(target=write)
        waiting.start()
        with psycopg.connect(dsn, autocommit=True) as watcher:
            pid = writer.info.backend_pid
            until_waits(watcher, pid)
        maker.commit()
        waiting.join(30)

    assert [table.rpartition("_")[2] for table in stored] == ["default"] * 6 + ["rush"]


def until_waits(watcher: "psycopg.Connection[tuple[object, ...]]", pid: int) -> None:
    """Until that session waits for a lock."""
    for _ in range(500):
        row = watcher.execute(WAITING, [pid]).fetchone()
        if row is not None and row[0]:
            return
        watcher.execute("SELECT pg_sleep(0.02)")
    raise AssertionError("it never waited")
