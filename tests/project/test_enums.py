"""A word that lives in Python and in the database is the same word in both."""

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Final

import psycopg
import pytest

from crossdock.canonical.orders import Mode, PaymentStatus
from crossdock.canonical.receipts import ReceiptKind
from crossdock.canonical.stock import MovementKind
from crossdock.connections.model import BreakerState, ConnectionState
from crossdock.fulfilment.model import State as FulfilmentState
from crossdock.inbound.model import RecordState, Route
from crossdock.inventory.expected.model import ExpectedKind
from crossdock.inventory.reservations.model import ClaimKind
from crossdock.inventory.transfers.states import State as TransferState
from crossdock.inventory.waiting.model import Basis
from crossdock.operations.model import ExceptionState
from crossdock.orders.model import HoldCode
from crossdock.outbound.model import IntentState, Outcome, Purpose, Verdict
from project.sql_constants import PACKAGES

ENUMS: Final[Mapping[str, type[StrEnum]]] = {
    "connections.connection_state": ConnectionState,
    "connections.breaker_state": BreakerState,
    "fulfilment.state": FulfilmentState,
    "fulfilment.mode": Mode,
    "operations.exception_state": ExceptionState,
    "orders.mode": Mode,
    "orders.payment_status": PaymentStatus,
    "orders.hold_code": HoldCode,
    "outbound.intent_state": IntentState,
    "outbound.outcome": Outcome,
    "outbound.verdict": Verdict,
    "outbound.purpose": Purpose,
}
CHECKS: Final[Mapping[str, type[StrEnum]]] = {
    "finance.receipt.kind": ReceiptKind,
    "inbound.message.route": Route,
    "inbound.record.state": RecordState,
    "inventory.claim.kind": ClaimKind,
    "inventory.claim.basis": Basis,
    "inventory.reservation.kind": ClaimKind,
    "inventory.movement.kind": MovementKind,
    "inventory.expected.kind": ExpectedKind,
    "inventory.transfer.state": TransferState,
}
CREATED = re.compile(r"CREATE TYPE (\w+\.\w+) AS ENUM\s*\(([^)]*)\)", re.IGNORECASE)
IN_LIST = re.compile(r"^CHECK \(\((\w+) = ANY \(ARRAY\[((?:'[^']*'::text(?:, )?)+)\]\)\)\)$")
LITERAL = re.compile(r"'([^']*)'::text")


def created() -> Iterator[tuple[str, Sequence[str]]]:
    for file in sorted(PACKAGES.glob("*/migrations/*.sql")):
        for name, labels in CREATED.findall(file.read_text()):
            yield name, re.findall(r"'([^']*)'", labels)


def test_every_enum_of_the_database_has_its_mirror(dsn: str) -> None:
    with psycopg.connect(dsn) as session:
        rows = session.execute(
            "SELECT enumtypid::regtype::text, array_agg(enumlabel::text ORDER BY enumsortorder) FROM pg_enum GROUP BY 1"
        ).fetchall()

    assert {name for name, _ in rows} == set(ENUMS), "name the StrEnum that a new CREATE TYPE mirrors"
    assert {name: set(labels) for name, labels in rows} == {name: set(map(str, kind)) for name, kind in ENUMS.items()}


@pytest.mark.parametrize(("name", "labels"), list(created()), ids=lambda part: part if isinstance(part, str) else "")
def test_an_enum_is_written_in_its_mirrors_order(name: str, labels: Sequence[str]) -> None:
    """Labels that later files add come last, wherever their mirror has them."""
    order = [str(member) for member in ENUMS[name]]

    assert [label for label in order if label in labels] == list(labels)


def test_every_list_of_words_in_a_check_has_its_mirror(dsn: str) -> None:
    with psycopg.connect(dsn) as session:
        rows = session.execute(
            "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'c' AND coninhcount = 0"
        ).fetchall()
    lists = {
        f"{table}.{found[1]}": set(LITERAL.findall(found[2]))
        for table, text in rows
        if (found := IN_LIST.match(text)) is not None
    }

    assert lists == {name: set(map(str, kind)) for name, kind in CHECKS.items()}
