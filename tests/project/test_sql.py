"""SQL names only its own package's schema, fits the schema that migrations make, and is used."""

import re
from collections.abc import Sequence

import psycopg
import pytest

from project.sql_constants import PACKAGES, Sql, sql_constants

CONSTANTS: Sequence[Sql] = list(sql_constants())
SCHEMAS = {folder.parent.name for folder in PACKAGES.glob("*/migrations")}
TABLE = re.compile(r"\b(?:from|join|update|into|table|truncate|only)\s+(?:only\s+)?([a-z_]+)\.([a-z_]+)", re.IGNORECASE)
PARAMETER = re.compile(r"%\((\w+)\)[sbt]")
NOT_PREPARABLE = ("LOCK", "LISTEN", "NOTIFY", "CREATE", "DROP", "ALTER", "TRUNCATE", "DO", "SET", "VACUUM")


@pytest.mark.parametrize("constant", CONSTANTS, ids=str)
def test_a_package_touches_only_its_own_tables(constant: Sql) -> None:
    schemas = {schema.lower() for schema, _ in TABLE.findall(constant.text)} & SCHEMAS

    assert schemas <= {constant.package}, f"{constant} reaches into {schemas - {constant.package}}: call its service"


def prepared(text: str) -> str:
    numbers: dict[str, int] = {}
    return PARAMETER.sub(lambda match: f"${numbers.setdefault(match[1], len(numbers) + 1)}", text).replace("%%", "%")


def test_every_statement_fits_the_migrated_schema(dsn: str) -> None:
    failures = []
    with psycopg.connect(dsn, autocommit=True) as connection:
        for constant in CONSTANTS:
            if constant.text.lstrip().upper().startswith(NOT_PREPARABLE):
                continue
            try:
                connection.execute(f"PREPARE probe AS {prepared(constant.text)}".encode())
                connection.execute("DEALLOCATE probe")
            except psycopg.errors.IndeterminateDatatype:
                continue  # a bare parameter gets its type from the value when it is bound
            except psycopg.Error as error:
                failures.append(f"{constant}: {str(error).strip()}")

    assert not failures, "\n".join(failures)


@pytest.mark.parametrize("constant", CONSTANTS, ids=str)
def test_every_statement_is_used(constant: Sql) -> None:
    uses = len(re.findall(rf"\b{constant.name}\b", constant.module.read_text()))

    assert uses > 1, f"{constant} is used nowhere: delete it"


def test_the_ownership_check_sees_a_stranger() -> None:
    found = {schema for schema, _ in TABLE.findall("SELECT 1 FROM orders.line JOIN inventory.position USING (sku)")}

    assert found == {"orders", "inventory"}
