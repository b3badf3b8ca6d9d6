"""Does a file end as its kind ends? Asked of files that nobody has said are whole; wrong answers cost time, never data."""

import re
from typing import Final

from crossdock.connector_kit.record import Undecodable, parse_json

TAIL_BYTES: Final = 4096
_BLANK: Final = b" \t\r\n\0"
_COMMENT: Final = re.compile(rb"<!--.*?-->|<\?.*?\?>", re.DOTALL)
_OPENING: Final = re.compile(rb"<([^\s<>/!?]+)[^>]*?(/?)>")


def any_ending(_body: bytes) -> bool:
    """For kinds of file whose end cannot be told."""
    return True


def ends_with_a_line(body: bytes) -> bool:
    """Newline-delimited JSON: the last line is finished by its newline, or is a whole value without one."""
    last = body.rpartition(b"\n")[2].strip()
    if not last:
        return True
    try:
        parse_json(last)
    except Undecodable:
        return False
    return True


def ends_its_root(body: bytes) -> bool:
    """XML: the element that was opened first is closed, and nothing but comments follows. Any encoding that holds ASCII."""
    head = _COMMENT.sub(b"", body[:TAIL_BYTES].replace(b"\0", b""))
    opened = _OPENING.search(head)
    if opened is None:
        return False
    tail = _COMMENT.sub(b"", body[-TAIL_BYTES:].replace(b"\0", b"")).rstrip(_BLANK)
    if opened[2] and len(body) <= TAIL_BYTES:
        return tail.endswith(opened[0])
    return re.search(rb"</" + re.escape(opened[1]) + rb"\s*>$", tail) is not None
