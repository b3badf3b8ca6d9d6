"""Whether a file's end is there: every whole file has one, and no beginning of a file has."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.connector_kit.endings import any_ending, ends_its_root, ends_with_a_line

WHOLE = (
    b"<POSLog><Transaction/></POSLog>",
    b'<?xml version="1.0"?>\n<!-- till <3 -->\n<POSLog xmlns="urn:x" a=\'1\'>\n<Transaction>&lt;/POSLog></Transaction>\n</POSLog >\n\n',
    b"<p:POSLog xmlns:p='urn:x'><p:Transaction/></p:POSLog><!-- the end -->\n<?done?>",
    b"<POSLog/>\n",
    '<?xml version="1.0" encoding="UTF-16"?><POSLog><T>\u00e4</T></POSLog>'.encode("utf-16"),
    b"<POSLog>" + b"<T>x</T>" * 2000 + b"</POSLog>",
)
objects = st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=3)


@pytest.mark.parametrize("body", WHOLE, ids=range(len(WHOLE)))
def test_a_closed_document_has_its_end(body: bytes) -> None:
    assert ends_its_root(body)


@pytest.mark.parametrize("body", WHOLE[:4], ids=range(4))
def test_no_beginning_of_a_document_has_its_end(body: bytes) -> None:
    end = body.rindex(b"POSLog")
    for size in range(end):
        assert not ends_its_root(body[:size]), body[:size]


@pytest.mark.parametrize("body", [b"", b"\n", b"sale;1;2", b"<?xml version='1.0'?>", b"<POSLog><POSLog></POSLog>\n<T>"])
def test_what_is_no_document_or_an_open_one_has_no_end(body: bytes) -> None:
    assert not ends_its_root(body)


@given(st.lists(objects, max_size=4), st.booleans())
def test_whole_lines_have_their_end_with_and_without_the_last_newline(lines: list[object], last: bool) -> None:  # noqa: FBT001
    body = "\n".join(json.dumps(line) for line in lines) + ("\n" if last else "")

    assert ends_with_a_line(body.encode())


@given(st.lists(objects, max_size=3), objects, st.data())
def test_a_file_that_breaks_off_inside_a_line_has_no_end(
    lines: list[object], last: object, data: st.DataObject
) -> None:
    text = json.dumps(last)
    cut = text[: data.draw(st.integers(1, len(text) - 1))]
    body = "".join(json.dumps(line) + "\n" for line in lines) + cut

    assert not ends_with_a_line(body.encode())


def test_kinds_of_file_whose_end_cannot_be_told_end_anywhere() -> None:
    assert any_ending(b"")
