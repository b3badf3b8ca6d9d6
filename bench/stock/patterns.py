"""How reservations are usually written in SQL: four patterns on two small tables, each run by pgbench."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final, LiteralString

import psycopg
from bench import pgbench

CLIENTS: Final = 64
PLENTY: Final = 1_000_000_000
_SETUP: Final[LiteralString] = """
CREATE SCHEMA plain;
CREATE TABLE plain.stock (sku text PRIMARY KEY, on_hand integer NOT NULL, reserved integer NOT NULL DEFAULT 0);
CREATE TABLE plain.reservation (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku text NOT NULL,
    quantity integer NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX reservation_sku ON plain.reservation (sku);
INSERT INTO plain.stock (sku, on_hand) VALUES ('HOT', 0);
"""
_AGAIN: Final[LiteralString] = "TRUNCATE plain.reservation"
_RESET: Final[LiteralString] = "UPDATE plain.stock SET on_hand = %(on_hand)s, reserved = 0"
_SOLD: Final[LiteralString] = "SELECT coalesce(sum(quantity), 0) FROM plain.reservation"

_GUARDED: Final = r"""
WITH taken AS (UPDATE plain.stock SET reserved = reserved + 1 WHERE sku = 'HOT' AND on_hand - reserved >= 1 RETURNING sku) INSERT INTO plain.reservation (sku, quantity) SELECT sku, 1 FROM taken;
"""
_FOR_UPDATE: Final = r"""
BEGIN;
SELECT on_hand, reserved FROM plain.stock WHERE sku = 'HOT' FOR UPDATE \gset
SELECT max(id) AS last FROM plain.reservation \gset
\if :on_hand - :reserved >= 1
UPDATE plain.stock SET reserved = reserved + 1 WHERE sku = 'HOT';
INSERT INTO plain.reservation (sku, quantity) VALUES ('HOT', 1);
SELECT on_hand - reserved AS free FROM plain.stock WHERE sku = 'HOT';
\endif
COMMIT;
"""
_SERIALIZABLE: Final = r"""
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT on_hand, reserved FROM plain.stock WHERE sku = 'HOT' \gset
\if :on_hand - :reserved >= 1
UPDATE plain.stock SET reserved = :reserved + 1 WHERE sku = 'HOT';
INSERT INTO plain.reservation (sku, quantity) VALUES ('HOT', 1);
\endif
COMMIT;
"""
_SUM: Final = r"""
BEGIN;
SELECT s.on_hand - coalesce((SELECT sum(quantity) FROM plain.reservation r WHERE r.sku = s.sku), 0) AS free FROM plain.stock s WHERE sku = 'HOT' \gset
\if :free >= 1
INSERT INTO plain.reservation (sku, quantity) VALUES ('HOT', 1);
\endif
COMMIT;
"""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One way to write it."""

    name: str
    title: str
    script: str
    options: tuple[str, ...] = ()


PATTERNS: Final = (
    Pattern("guarded", "one guarded statement", _GUARDED),
    Pattern("for_update", "SELECT FOR UPDATE, seven round trips", _FOR_UPDATE),
    Pattern("serializable", "SERIALIZABLE with retries", _SERIALIZABLE, ("--max-tries=1000",)),
    Pattern("sum", "sum, then insert, no lock", _SUM),
)


def set_up(dsn: str) -> None:
    """The two tables."""
    with psycopg.connect(dsn, autocommit=True) as session:
        session.execute(_SETUP)


async def rate(dsn: str, pattern: Pattern, folder: Path, seconds: float) -> float:
    """Reservations per second while there is plenty."""
    _stock(dsn, PLENTY)
    return await asyncio.to_thread(_run, dsn, pattern, folder, seconds)


async def sold(dsn: str, pattern: Pattern, folder: Path, units: int) -> int:
    """How many of few units were sold."""
    _stock(dsn, units)
    await asyncio.to_thread(_run, dsn, pattern, folder, 2.0)
    with psycopg.connect(dsn) as session:
        row = session.execute(_SOLD).fetchone()
    assert row is not None
    return int(row[0])


def _stock(dsn: str, units: int) -> None:
    with psycopg.connect(dsn, autocommit=True) as session:
        session.execute(_AGAIN)
        session.execute(_RESET, {"on_hand": units})


def _run(dsn: str, pattern: Pattern, folder: Path, seconds: float) -> float:
    file = folder / f"{pattern.name}.sql"
    file.write_text(pattern.script)
    return pgbench.tps(dsn, file, clients=CLIENTS, seconds=seconds, options=pattern.options)
