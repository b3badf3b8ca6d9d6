"""The vendor's search syntax, the part that matters here: terms, comparisons, OR, negation, prefix. Pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

TERM: Final = re.compile(
    r"""\s*(?:(?P<or>OR\b)|(?P<and>AND\b)|(?P<no>-|NOT\s+)?(?:(?P<field>[a-z_]+):)?(?P<op><=|>=|<|>)?"""
    r"""(?P<value>'[^']*'|"[^"]*"|[^\s()]+)|(?P<other>\S))"""
)

Value = str | int | datetime | Sequence[str]
Row = Mapping[str, Value | None]
"""A record as search sees it: field → value, or values of which one must match."""


@dataclass(frozen=True, slots=True)
class Term:
    """One condition."""

    field: str
    """Empty: any text of the record."""
    op: str
    value: str
    negated: bool


@dataclass(frozen=True, slots=True)
class Search:
    """Any of the groups, each all of its terms."""

    groups: tuple[tuple[Term, ...], ...]

    def matches(self, row: Row) -> bool:
        """Does the record answer the search? Unknown fields are ignored, as the vendor does."""
        return any(all(_holds(term, row) for term in group) for group in self.groups)


class BadSearch(Exception):  # noqa: N818
    """The text is no search, or one beyond what is rehearsed."""


def parse(text: str) -> Search:
    """Read a `query:` argument."""
    groups: list[list[Term]] = [[]]
    position = 0
    while text[position:].strip():
        match = TERM.match(text, position)
        if match is None or match["other"]:
            raise BadSearch(f"search syntax at {position} is not rehearsed: {text[position : position + 20]!r}")
        position = match.end()
        if match["or"]:
            groups.append([])
        elif not match["and"]:
            value = match["value"]
            quoted = value[0] in "'\"" and value[-1] == value[0] and len(value) > 1
            term = Term(match["field"] or "", match["op"] or ":", value[1:-1] if quoted else value, bool(match["no"]))
            groups[-1].append(term)
    return Search(tuple(tuple(group) for group in groups))


COMPARE: Final[Mapping[str, Callable[[float], bool]]] = {
    ":": lambda sign: sign == 0,
    "<": lambda sign: sign < 0,
    "<=": lambda sign: sign <= 0,
    ">": lambda sign: sign > 0,
    ">=": lambda sign: sign >= 0,
}


def _holds(term: Term, row: Row) -> bool:
    if not term.field:
        found = any(term.value.lower() in text.lower() for text in row.values() if isinstance(text, str))
        return found is not term.negated
    if term.field not in row:
        return True
    held = row[term.field]
    if held is None:
        return term.negated
    return _compares(term, held) is not term.negated


def _compares(term: Term, held: Value) -> bool:
    if isinstance(held, datetime):
        asked = _moment(term.value)
        return COMPARE[term.op]((held - asked).total_seconds())
    if isinstance(held, int):
        try:
            return COMPARE[term.op](held - int(term.value))
        except ValueError:
            raise BadSearch(f"{term.field} wants a number, not {term.value!r}") from None
    if isinstance(held, str):
        return _text_matches(term.value.lower(), held.lower())
    return any(_text_matches(term.value.lower(), each.lower()) for each in held)


def _text_matches(asked: str, held: str) -> bool:
    return held.startswith(asked[:-1]) if asked.endswith("*") else held == asked


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadSearch(f"not a time: {text!r}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
