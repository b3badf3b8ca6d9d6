"""The event log from a terminal: proved, read, and rid of readers that nobody is any more."""

import psycopg
from psycopg.conninfo import make_conninfo

from cli.conftest import Desk
from crossdock.foundation.postgres import ConnectionInfo


def do(cluster: ConnectionInfo, desk: Desk, *statements: str) -> None:
    """With a superuser's hands, past all triggers."""
    name = psycopg.conninfo.conninfo_to_dict(desk.dsn)["dbname"]
    with psycopg.connect(make_conninfo(cluster.admin_dsn, dbname=name)) as session:
        session.execute("SET session_replication_role = replica")
        for statement in statements:
            session.execute(statement.encode())


SEAL = """
INSERT INTO eventlog.seal (number, xid, position, events, hash) VALUES (1, '1', 1, 1, sha256('x'))
"""
OLD_MONTH = (
    (
        "SELECT eventlog.make_partition('2019_01', '0168072f-0000-7000-8000-000000000000',"
        " '0168a6e0-0000-7000-8000-000000000000')"
    ),
    (
        "INSERT INTO eventlog.event (id, stream, type, schema_version, happened_at, correlation_id, source, payload)"
        " VALUES ('01688000-0000-7000-8000-000000000000', 's', 'feed.heard', 1, now(), gen_random_uuid(), 'x', '{}')"
    ),
    "INSERT INTO eventlog.cursor (name, xid, position) VALUES ('reaction.gone', '0', 0)",
)


def test_a_log_that_nobody_touched_is_sound_and_a_forged_one_is_a_finding(desk: Desk, cluster: ConnectionInfo) -> None:
    sound = desk.run("log", "verify")
    assert (sound.code, sound.out) == (0, "0 sealed facts are what was written.\n")

    do(cluster, desk, SEAL)
    forged = desk.run("log", "verify")
    told = desk.run("log", "verify", "--json")

    assert (forged.code, forged.out) == (1, "Seal 1 is broken: 1 of its 1 facts are not there.\n")
    assert told.json == {"sound": False, "found": {"number": 1, "reason": "1 of its 1 facts are not there"}}


def test_a_reader_that_keeps_an_old_month_is_named_and_can_be_forgotten(desk: Desk, cluster: ConnectionInfo) -> None:
    do(cluster, desk, *OLD_MONTH)

    said = desk.run("log", "readers", "--json")
    assert said.code == 1
    assert isinstance(said.json, list)
    ((row),) = said.json
    assert (row["reader"], row["of_this_release"], row["holds"]) == ("reaction.gone", False, "2019_01")
    assert "crossdock log forget reaction.gone" in desk.run("doctor", "--offline").out

    assert desk.run("log", "forget", "reaction.gone").code == 0
    assert desk.run("log", "readers").code == 0
    assert "no reader keeps a month beyond its retention" in desk.run("doctor", "--offline").out


def test_a_reader_of_this_release_is_not_forgotten(desk: Desk) -> None:
    said = desk.run("log", "forget", "reaction.placing")

    assert said.code == 2
    assert "belongs to this release" in said.err


def test_a_reader_that_is_not_there_is_one_sentence(desk: Desk) -> None:
    said = desk.run("log", "forget", "nobody")

    assert (said.code, said.err.strip()) == (2, 'There is no reader "nobody": see `crossdock log readers`.')
