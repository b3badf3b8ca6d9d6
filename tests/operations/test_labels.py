"""Exceptions name their object as people do."""

from uuid import UUID

import pytest

from crossdock.canonical.base import OrderId
from crossdock.operations.labels.rules import label_of

ORDER = OrderId(UUID("019a7c3e-0000-7000-8000-000000000000"))


@pytest.mark.parametrize(
    ("subject", "label"),
    [
        (f"order/{ORDER}", "order #1042 of web"),
        ("order/4711", "order 4711"),
        ("order/019a7c3e-0000-7000-8000-000000000001", "order 019a7c3e-0000-7000-8000-000000000001"),
        ("receipt/S01/1/2026-11-27/7", "receipt 7 of till 1 in S01, 2026-11-27"),
        ("till/S01/1/2026-11-27", "till 1 in S01, 2026-11-27"),
        ("store_day/S01/2026-11-27", "store day 2026-11-27 of S01"),
        ("stock/LAMP@01@S01", "LAMP@01 at S01"),
        ("message/17#3", "record 3 of message 17"),
        ("message/17", "message 17"),
        ("connection/erp", "connection erp"),
        ("", ""),
    ],
)
def test_a_subject_reads_as_people_call_it(subject: str, label: str) -> None:
    assert label_of(subject, {ORDER: "#1042 of web"}) == label
