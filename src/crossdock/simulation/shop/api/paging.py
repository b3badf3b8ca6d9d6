"""Connections: pages by cursor. A cursor names a sort value, not a position, so rows may come and go between pages."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec

from crossdock.simulation.shop.api.search import BadSearch, Row, Search, parse
from crossdock.simulation.shop.api.table import Arguments, Table, bad_request, table

T = TypeVar("T")
PAGE_MAX: Final = 250
Rank = tuple[str, int]
"""A sort value as text that compares rightly, and the id."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A row and where it stands."""

    node: object
    cursor: str


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of many."""

    edges: tuple[Edge, ...]
    has_next: bool
    has_previous: bool


def page(
    rows: Iterable[T],
    arguments: Arguments,
    *,
    rank: Callable[[T], Rank],
    row: Callable[[T], Row] | None = None,
    backwards: bool = False,
) -> Page:
    """Search, sort and cut as the arguments say."""
    first, last = arguments.whole_or_none("first"), arguments.whole_or_none("last")
    if (first is None) is (last is None):
        raise bad_request("you must provide one of first or last")
    size = first if first is not None else last
    assert size is not None
    if not 0 < size <= PAGE_MAX:
        raise bad_request(f"first and last must be between 1 and {PAGE_MAX}")
    chosen = _searched(rows, arguments.text_or_none("query"), row)
    reverse = arguments.flag("reverse") is not backwards
    ranked = sorted(((rank(each), each) for each in chosen), key=lambda pair: pair[0], reverse=reverse)
    after, before = _decoded(arguments.text_or_none("after")), _decoded(arguments.text_or_none("before"))
    inside = [
        (place, each)
        for place, each in ranked
        if (after is None or (place < after if reverse else place > after))
        and (before is None or (place > before if reverse else place < before))
    ]
    cut = inside[:size] if first is not None else inside[-size:]
    edges = tuple(Edge(each, _encoded(place)) for place, each in cut)
    more = len(inside) > len(cut)
    return Page(
        edges,
        has_next=more if first is not None else before is not None,
        has_previous=more if last is not None else after is not None,
    )


def plain_page(rows: Sequence[T], arguments: Arguments, number: Callable[[T], int]) -> Page:
    """Children in id order, without search."""
    return page(rows, arguments, rank=lambda each: ("", number(each)))


def search_of(text: str | None) -> Search | None:
    """The parsed `query:`; a bad one is the caller's mistake."""
    if not text:
        return None
    try:
        return parse(text)
    except BadSearch as error:
        raise bad_request(str(error)) from None


def _searched(rows: Iterable[T], text: str | None, row: Callable[[T], Row] | None) -> Iterable[T]:
    search = search_of(text)
    if search is None or row is None:
        return rows
    try:
        return [each for each in rows if search.matches(row(each))]
    except BadSearch as error:
        raise bad_request(str(error)) from None


def _encoded(rank: Rank) -> str:
    return urlsafe_b64encode(msgspec.json.encode(rank)).decode()


def _decoded(cursor: str | None) -> Rank | None:
    if cursor is None:
        return None
    try:
        rank: Rank = msgspec.json.decode(urlsafe_b64decode(cursor), type=Rank)
    except (Base64Error, msgspec.MsgspecError, ValueError):
        raise bad_request("invalid cursor") from None
    return rank


CONNECTION: Final[Table] = table(
    Page,
    {
        "edges": lambda it, _: it.edges,
        "nodes": lambda it, _: [edge.node for edge in it.edges],
        "pageInfo": lambda it, _: it,
    },
)
EDGE: Final[Table] = table(Edge, {"node": lambda it, _: it.node, "cursor": lambda it, _: it.cursor})
PAGE_INFO: Final[Table] = table(
    Page,
    {
        "hasNextPage": lambda it, _: it.has_next,
        "hasPreviousPage": lambda it, _: it.has_previous,
        "startCursor": lambda it, _: it.edges[0].cursor if it.edges else None,
        "endCursor": lambda it, _: it.edges[-1].cursor if it.edges else None,
    },
)
