"""Every answer that a real Tryton has been seen to give means one thing."""

from collections.abc import Mapping
from decimal import Decimal

import pytest

from crossdock.connector_kit.record import Record, Undecodable
from crossdock.connector_kit.verdict import CallFailed, Verdict
from crossdock.connectors.tryton.wire import Warned, changed_at, decimal, list_of, money_of, records_of, result_of

LOCKED = b"<!doctype html>\n<title>503 Service Unavailable</title>\n<p>could not obtain lock on row in relation &#34;ir_sequence_strict&#34;</p>"


def test_a_result_is_what_the_call_returned() -> None:
    assert result_of(200, b'{"id":1,"result":[7]}') == [7]


@pytest.mark.parametrize(
    ("status", "body", "verdict", "code"),
    [
        (503, LOCKED, Verdict.NOT_SENT, "503"),
        (503, b"<p>could not serialize access due to concurrent update</p>", Verdict.NOT_SENT, "503"),
        (503, b"<p>server closed the connection unexpectedly</p>", Verdict.UNKNOWN, "503"),
        (500, b"", Verdict.UNKNOWN, "500"),
        (502, b"", Verdict.UNKNOWN, "502"),
        (401, b"", Verdict.BROKEN, "401"),
        (403, b"<h1>Forbidden</h1>", Verdict.BROKEN, "403"),
        (404, b"<h1>Not Found</h1>", Verdict.BROKEN, "404"),
        (422, b"<p>Missing context argument</p>", Verdict.REFUSED, "422"),
        (429, b"", Verdict.THROTTLED, "429"),
        (200, b"<html>a proxy's page</html>", Verdict.UNKNOWN, ""),
        (200, b'{"id":1,"error":["UserError",["No such thing","",null]]}', Verdict.REFUSED, "UserError"),
        (
            200,
            b'{"id":1,"error":["ConcurrencyException","Records were modified in the meanwhile"]}',
            Verdict.NOT_SENT,
            "ConcurrencyException",
        ),
        (200, b'{"id":1,"error":["could not convert string to float: \'x\'",""]}', Verdict.REFUSED, "server"),
    ],
)
def test_every_failure_has_its_verdict(status: int, body: bytes, verdict: Verdict, code: str) -> None:
    with pytest.raises(CallFailed) as failure:
        result_of(status, body)

    assert (failure.value.verdict, failure.value.code) == (verdict, code)


def test_a_warning_keeps_the_name_that_answers_it() -> None:
    with pytest.raises(Warned) as warning:
        result_of(200, b'{"id":1,"error":["UserWarning",["c2c2.done","Stock moves have no origin.",""]]}')

    assert warning.value.name == "c2c2.done"


def test_only_the_first_sentence_of_an_error_is_for_people() -> None:
    long = b'{"id":1,"error":["UserError",["The value is not valid.","",[[["type","=",true]],{"company":{"context":"{}"}}]]]}'

    with pytest.raises(CallFailed, match=r"refused: The value is not valid\.$"):
        result_of(200, long)


def test_money_survives_the_wire_exactly() -> None:
    [record] = records_of(list_of([{"total": decimal(Decimal("12345678901234.57"))}]))

    assert money_of(record, "total") == Decimal("12345678901234.57")


def timestamp(year: int, month: int = 1) -> Mapping[str, int]:
    return {"year": year, "month": month, "day": 1, "hour": 0, "minute": 0, "second": 0, "microsecond": 0}


@pytest.mark.parametrize("at", [timestamp(1), timestamp(9999), timestamp(10**30), timestamp(2026, 13)], ids=str)
def test_a_time_that_cannot_be_is_refused_with_its_path(at: Mapping[str, int]) -> None:
    with pytest.raises(Undecodable, match=r"^\$\.write_date: wanted date and time"):
        changed_at(Record({"write_date": at}))
