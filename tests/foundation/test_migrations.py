"""The schema is made once, whoever starts first, and never by an older release over a newer one."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import copytree

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from crossdock.foundation import migrations
from crossdock.foundation.db import DatabaseUnusableError
from crossdock.foundation.migrations import apply_migrations, edited_changes, folders, pending_count
from crossdock.foundation.postgres import ConnectionInfo

SOURCE = Path(__file__).parents[2] / "src"
FILES = [file for folder in folders() for file in sorted(folder.glob("*.sql"))]
COLUMNS = """
SELECT table_schema, table_name, column_name, data_type, is_nullable, column_default, is_generated
  FROM information_schema.columns WHERE table_schema !~ '^(pg_|information_schema|shelf)' ORDER BY 1, 2, ordinal_position
"""
REST = """
SELECT 'index', schemaname || '.' || indexname, indexdef FROM pg_indexes WHERE schemaname !~ '^pg_'
 UNION ALL
SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
  FROM pg_constraint WHERE connamespace::regnamespace::text !~ '^(pg_|information_schema|shelf)'
 UNION ALL
SELECT 'function', oid::regprocedure::text, md5(prosrc) FROM pg_proc
 WHERE pronamespace::regnamespace::text !~ '^(pg_|information_schema|shelf)'
 UNION ALL
SELECT 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
 UNION ALL
SELECT 'enum', enumtypid::regtype::text, string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum GROUP BY 2
 ORDER BY 1, 2, 3
"""


@pytest.fixture
def empty(cluster: ConnectionInfo) -> Iterator[str]:
    """A database that no release has seen."""
    with psycopg.connect(cluster.admin_dsn, autocommit=True) as admin:
        admin.execute("CREATE DATABASE unmigrated OWNER crossdock")
    yield make_conninfo(cluster.dsn, dbname="unmigrated")
    with psycopg.connect(cluster.admin_dsn, autocommit=True) as admin:
        admin.execute("DROP DATABASE unmigrated WITH (FORCE)")


def schema(dsn: str) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    with psycopg.connect(dsn) as session:
        return session.execute(COLUMNS).fetchall(), session.execute(REST).fetchall()


def admin_of(cluster: ConnectionInfo, dsn: str) -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(make_conninfo(cluster.admin_dsn, dbname=conninfo_to_dict(dsn)["dbname"]), autocommit=True)


def test_a_fresh_database_gets_everything_and_a_second_run_changes_nothing(empty: str, dsn: str) -> None:
    assert pending_count(empty) == len(FILES)
    assert apply_migrations(empty) == len(FILES)
    first = schema(empty)

    assert apply_migrations(empty) == 0
    assert pending_count(empty) == 0
    assert edited_changes(empty) == []
    assert schema(empty) == first
    assert schema(dsn) == first, "every database of this release is alike"


def test_processes_that_start_together_apply_each_file_once(empty: str) -> None:
    with ThreadPoolExecutor(3) as pool:
        applied = list(pool.map(lambda _: apply_migrations(empty), range(3)))

    assert sorted(applied) == [0, 0, len(FILES)]


def test_a_database_of_a_newer_release_is_refused_and_left_alone(dsn: str) -> None:
    with psycopg.connect(dsn) as session:
        session.execute(
            "INSERT INTO public._yoyo_migration (migration_hash, migration_id, applied_at_utc) "
            "VALUES ('f00', 'orders.0099.from_the_future', now())"
        )
    before = schema(dsn)

    with pytest.raises(DatabaseUnusableError, match=r"newer Crossdock .1 schema changes are unknown here"):
        apply_migrations(dsn)
    assert schema(dsn) == before


def test_an_upgrade_that_was_killed_is_carried_on_by_the_next_start(empty: str) -> None:
    """A bystander holds up the last schema; the upgrade dies waiting for it."""
    last = FILES[-1].name.partition(".")[0]
    with psycopg.connect(empty) as bystander:
        bystander.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(last)))
        upgrade = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "import sys; from crossdock.foundation.migrations import apply_migrations; apply_migrations(sys.argv[1])",
                empty,
            ],
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
        )
        _await_waiting(empty)
        upgrade.send_signal(signal.SIGKILL)
        upgrade.wait()
        bystander.rollback()

    assert 0 < apply_migrations(empty) < len(FILES)
    assert pending_count(empty) == 0


def test_a_lock_that_the_tool_left_when_it_was_killed_is_nobodys(empty: str) -> None:
    with psycopg.connect(empty) as session:
        session.execute(
            "CREATE TABLE yoyo_lock (locked INT DEFAULT 1, ctime TIMESTAMP, pid INT NOT NULL, PRIMARY KEY (locked))"
        )
        session.execute("INSERT INTO yoyo_lock VALUES (1, now(), 4711)")

    assert apply_migrations(empty) == len(FILES)


def test_a_file_and_the_note_that_it_was_applied_are_one(empty: str, cluster: ConnectionInfo) -> None:
    """Refuse the note of the last file: without its note the file must not have happened either."""
    last = FILES[-1].stem
    pending_count(empty)
    with admin_of(cluster, empty) as admin:
        admin.execute(
            "CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the power is gone'; END $$"
        )
        admin.execute(
            sql.SQL(
                "CREATE TRIGGER refuse BEFORE INSERT ON public._yoyo_migration FOR EACH ROW "
                "WHEN (new.migration_id = {}) EXECUTE FUNCTION public.refuse()"
            ).format(sql.Literal(last))
        )
    with pytest.raises(psycopg.errors.RaiseException, match="the power is gone"):
        apply_migrations(empty)
    with admin_of(cluster, empty) as admin:
        admin.execute("DROP FUNCTION public.refuse() CASCADE")

    assert apply_migrations(empty) == 1


def _await_waiting(dsn: str) -> None:
    """Until a session waits for another's lock."""
    with psycopg.connect(dsn, autocommit=True) as session:
        for _ in range(600):
            waiting = session.execute(
                "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if waiting.fetchone() is not None:
                return
            time.sleep(0.05)
    pytest.fail("the upgrade did not come to the point")


# ---------------------------------------------------------------- the files


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_file_is_named_by_its_package_and_makes_only_that_packages_schema(file: Path) -> None:
    package = file.parents[1].name
    found = re.fullmatch(rf"{package}\.(\d{{4}})\.[a-z0-9_]+\.sql", file.name)
    made = re.findall(r"^CREATE SCHEMA (?:IF NOT EXISTS )?(\w+)", file.read_text(), re.MULTILINE)

    assert found is not None, f"{file.name}: wanted {package}.NNNN.<what>.sql"
    assert set(made) <= {package}


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.parent.name)
def test_a_packages_files_are_numbered_without_gaps(folder: Path) -> None:
    numbers = sorted(int(file.name.split(".")[1]) for file in folder.glob("*.sql"))

    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_file_says_why_it_exists(file: Path) -> None:
    assert file.read_text().startswith("--"), (
        "begin with a comment: what changes, and why it is safe while the old release runs"
    )


# ---------------------------------------------------------------- edited after it was applied


@pytest.fixture
def edited(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], str]:
    """`edited(before, after)` changes the first file that says *before*, in a release of its own; the file's name."""
    assert apply_migrations(dsn) == 0
    release = [copytree(folder, tmp_path / folder.parent.name / "migrations") for folder in folders()]
    monkeypatch.setattr(migrations, "folders", lambda: release)

    def edit(before: str, after: str) -> str:
        file = next(file for folder in release for file in sorted(folder.glob("*.sql")) if before in file.read_text())
        file.write_text(file.read_text().replace(before, after, 1))
        return file.stem

    return edit


def test_a_file_that_was_edited_after_it_was_applied_is_refused_in_one_sentence(
    dsn: str, edited: Callable[[str, str], str]
) -> None:
    name = edited("number      integer     PRIMARY KEY", "number      bigint      PRIMARY KEY")
    before = schema(dsn)

    with pytest.raises(DatabaseUnusableError, match=rf"schema change {re.escape(name)} was applied .* other content"):
        apply_migrations(dsn)
    assert schema(dsn) == before
    assert edited_changes(dsn) == [name]


def test_comments_and_blank_lines_may_be_edited(dsn: str, edited: Callable[[str, str], str]) -> None:
    edited("CREATE SCHEMA estate;", "-- What the retailer decides.\n\nCREATE SCHEMA estate;   \n\n")

    assert apply_migrations(dsn) == 0


def test_what_was_applied_before_contents_were_kept_is_kept_as_it_is_now(
    dsn: str, cluster: ConnectionInfo, edited: Callable[[str, str], str]
) -> None:
    with admin_of(cluster, dsn) as admin:
        admin.execute("DROP TABLE public.crossdock_schema_change")

    assert apply_migrations(dsn) == 0
    edited("number      integer     PRIMARY KEY", "number      bigint      PRIMARY KEY")
    with pytest.raises(DatabaseUnusableError, match="other content"):
        apply_migrations(dsn)


def test_a_new_file_beside_those_that_were_applied_is_applied(dsn: str, edited: Callable[[str, str], str]) -> None:
    edited("CREATE SCHEMA estate;", "CREATE SCHEMA estate;")
    (migrations.folders()[0] / f"{migrations.folders()[0].parent.name}.0099.more.sql").write_text(
        "-- More.\nSELECT 1;\n"
    )

    assert apply_migrations(dsn) == 1
    assert apply_migrations(dsn) == 0
