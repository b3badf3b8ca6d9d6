"""A first start (or an upgrade) that is killed in the middle is gone on with by the next one."""

import subprocess
import sys

from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.migrations import apply_migrations, pending_count
from crossdock.foundation.postgres import ConnectionInfo
from e2e.databases import fresh_database

UPGRADE = """
import sys
from crossdock.foundation.migrations import apply_migrations
print("begun", flush=True)
apply_migrations(sys.argv[1])
"""
STEPS = 12
STEP_S = 0.04


def upgrading(dsn: str) -> "subprocess.Popen[bytes]":
    """A process that has just begun to bring the database to this release's schema."""
    process = subprocess.Popen([sys.executable, "-c", UPGRADE, dsn], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"begun\n"
    return process


async def test_an_upgrade_killed_at_any_moment_is_finished_by_the_next_start(cluster: ConnectionInfo) -> None:
    left = []
    for step in range(STEPS):
        with fresh_database(cluster) as dsn:
            with upgrading(dsn) as process:
                await SYSTEM_CLOCK.sleep(step * STEP_S)
                process.kill()
            left.append(apply_migrations(dsn))
            assert pending_count(dsn) == 0
            assert apply_migrations(dsn) == 0

    assert max(left) > 0, "no kill came early enough to leave anything"


async def test_of_hubs_that_start_together_one_makes_the_tables(cluster: ConnectionInfo) -> None:
    with fresh_database(cluster) as dsn:
        together = [upgrading(dsn) for _ in range(3)]
        ends = [process.wait(60) for process in together]
        for process in together:
            assert process.stdout is not None
            process.stdout.close()

        assert ends == [0, 0, 0]
        assert pending_count(dsn) == 0
