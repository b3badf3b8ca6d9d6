"""POSLog files read as a stream: one transaction in memory at a time, every value asked for by type and exact path.

Elements are known by their local name, but only in the namespaces of the standard: what a vendor adds in a namespace of
its own (a second `Total`, say) is not taken for the standard's. A document type, an entity, a foreign root, or a
transaction beyond its size is refused; nothing is ever fetched.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from functools import cache
from typing import Final

from lxml import etree

from crossdock.canonical.base import YEARS, check_decimal, is_possible
from crossdock.connector_kit.record import Undecodable, describe, unknown_location
from crossdock.foundation.plain import composed

Element = etree._Element  # noqa: SLF001 (lxml has no public name for the type)

NAMESPACES: Final = (
    "http://www.nrf-arts.org/IXRetail/namespace/",
    "http://www.nrf-arts.org/IXRetail/namespace",
    "http://www.nrf-arts.org/IXRetail/v6.0.0/poslog",
    "",
)
NCR: Final = "http://www.ncr.com/rsd/acs/tlog/markup/poslog/2.1"
"""The extension whose rewards change what a customer pays."""

CHUNK_BYTES: Final = 64 * 1024
TRANSACTION_BYTES_MAX: Final = 4 * 1024 * 1024
CODE_MAX, TEXT_MAX = 64, 500
NUMBER: Final = re.compile(r"[+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})")
COUNT: Final = re.compile(r"[0-9]{1,15}")
DAY: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T00:00:00(?:\.0+)?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?")
NUMBERED: Final = frozenset({"Transaction", "LineItem"})


@cache
def tags(name: str) -> tuple[str, ...]:
    """A local name in each namespace of the standard."""
    return tuple(f"{{{namespace}}}{name}" if namespace else name for namespace in NAMESPACES)


class Node:
    """One element, read strictly. Empty and missing are the same; `…_or_none` reads both as None."""

    __slots__ = ("_children", "element", "path")

    def __init__(self, element: Element, path: str) -> None:
        self.element = element
        self.path = path
        self._children: dict[str, list[Element]] | None = None

    def children(self) -> dict[str, list[Element]]:
        """The children that are of the standard, by local name; looked through once."""
        if self._children is None:
            self._children = {}
            for child in self.element:
                namespace, _, name = child.tag.rpartition("}")
                if namespace.removeprefix("{") in NAMESPACES:
                    self._children.setdefault(name, []).append(child)
        return self._children

    def each(self, name: str) -> list["Node"]:
        """The children of that name; numbered in their paths where there are several."""
        found = self.children().get(name, [])
        if len(found) == 1 and name not in NUMBERED:
            return [Node(found[0], f"{self.path}/{name}")]
        return [Node(child, f"{self.path}/{name}[{place}]") for place, child in enumerate(found, 1)]

    def one_or_none(self, name: str) -> "Node | None":
        """The first child of that name."""
        found = self.children().get(name)
        return Node(found[0], f"{self.path}/{name}") if found else None

    def one(self, name: str) -> "Node":
        """The first child of that name, which must be there."""
        found = self.one_or_none(name)
        if found is None:
            raise Undecodable(f"{self.path}/{name}", "wanted an element, got nothing")
        return found

    def extension(self, namespace: str, name: str) -> "Node | None":
        """The first child of that name in a vendor's namespace."""
        found = self.element.find(f"{{{namespace}}}{name}")
        return None if found is None else Node(found, f"{self.path}/{name}")

    def attribute(self, name: str) -> str:
        """An attribute, or ""."""
        return composed((self.element.get(name) or "").strip())

    def flag(self, name: str) -> bool:
        """An attribute or a child that says yes; silence is no."""
        child = self.one_or_none(name)
        return (self.attribute(name) or (child.text if child else "")).lower() in {"true", "1"}

    @property
    def text(self) -> str:
        return composed((self.element.text or "").strip())

    def text_of(self, name: str) -> str:
        """A child's text, shortened to what a document holds; "" when missing."""
        child = self.one_or_none(name)
        return child.text[:TEXT_MAX] if child else ""

    def code(self, name: str) -> str:
        """A child's short identifier, which must be there."""
        found = self.code_or_none(name)
        if found is None:
            raise Undecodable(f"{self.path}/{name}", "wanted text, got nothing")
        return found

    def code_or_none(self, name: str) -> str | None:
        """A child's short identifier."""
        text = child.text if (child := self.one_or_none(name)) else ""
        if len(text) > CODE_MAX:
            raise Undecodable(f"{self.path}/{name}", f"wanted at most {CODE_MAX} characters, got {describe(text)}…")
        return text or None

    @property
    def number(self) -> Decimal:
        if not NUMBER.fullmatch(self.text):
            raise self.wrong("a number")
        value = Decimal(self.text)
        try:
            check_decimal(value, "it")
        except ValueError as error:
            raise Undecodable(self.path, str(error).replace("`it`", describe(self.text))) from None
        return value

    def number_of(self, name: str) -> Decimal:
        """A child's decimal, which must be there."""
        return (self.one_or_none(name) or self.missing(name, "a number")).number

    def number_or_none(self, name: str) -> Decimal | None:
        """A child's decimal."""
        child = self.one_or_none(name)
        return child.number if child and child.text else None

    def whole(self, name: str) -> int:
        """A child's count, not negative."""
        child = self.one_or_none(name) or self.missing(name, "a whole number")
        if not COUNT.fullmatch(child.text):
            raise child.wrong("a whole number")
        return int(child.text)

    def day(self, name: str) -> date:
        """A child's date; a midnight or a zone behind it does not matter."""
        child = self.one_or_none(name) or self.missing(name, "a date")
        matched = DAY.fullmatch(child.text)
        try:
            value = date.fromisoformat(matched[1] if matched else child.text)
        except ValueError:
            raise child.wrong("a date") from None
        if not is_possible(value):
            raise child.wrong(f"a date {YEARS}")
        return value

    def moment(self, zone: tzinfo | None, store: str) -> datetime:
        """Date and time as UTC; without an offset it is the local time of *store*."""
        try:
            value = datetime.fromisoformat(self.text)
            if value.tzinfo is None and zone is not None:
                value = value.replace(tzinfo=zone)
        except ValueError:
            raise self.wrong("date and time") from None
        if value.tzinfo is not None:
            if not is_possible(value):
                raise self.wrong(f"date and time {YEARS}")
            return value.astimezone(UTC)
        reason = f'local time without zone, and location "{store}" has no time zone in the estate'
        raise unknown_location(self.path, reason, store)

    def missing(self, name: str, wanted: str) -> "Node":
        """Fail for a child that must be there."""
        raise Undecodable(f"{self.path}/{name}", f"wanted {wanted}, got nothing")

    def wrong(self, wanted: str) -> Undecodable:
        """The failure of this element's text."""
        return Undecodable(self.path, f"wanted {wanted}, got {describe(self.text) if self.text else 'nothing'}")


class Cut:
    """How far a file could be read, when not to its end."""

    __slots__ = ("error",)

    def __init__(self, path: str, reason: str) -> None:
        self.error = Undecodable(path, reason)


def transactions(body: bytes) -> Iterator[Node | Cut]:
    """Each transaction as its end is read, released when the next one is asked for; last, why the file ended early.

    Raises Undecodable when it is no POSLog at all.
    """
    parser = etree.XMLPullParser(
        events=("start", "end"),
        tag=[tag for name in ("POSLog", "Transaction", "TransactionCount") for tag in tags(name)],
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    reader = _Reader(parser)
    for start in range(0, len(body), CHUNK_BYTES):
        yield from reader.feed(body[start : start + CHUNK_BYTES])
        if reader.done:
            return
    yield from reader.close()


class _Reader:
    """Feeds the parser and turns its events into transactions."""

    def __init__(self, parser: "etree.XMLPullParser") -> None:
        self._parser = parser
        self._root: Element | None = None
        self._count = 0
        self._stated: str | None = None
        self._open_bytes = 0
        self.done = False

    def feed(self, chunk: bytes) -> Iterator[Node | Cut]:
        error = ""
        try:
            self._parser.feed(chunk)
        except etree.XMLSyntaxError as broken:
            error = str(broken)
        before = self._count
        yield from self._events()
        self._open_bytes = len(chunk) if self._count > before else self._open_bytes + len(chunk)
        if not error and self._open_bytes > TRANSACTION_BYTES_MAX:
            error = f"more than {TRANSACTION_BYTES_MAX // 1024 // 1024} MiB without the end of a transaction"
        if error:
            yield self._cut(error)

    def close(self) -> Iterator[Node | Cut]:
        try:
            self._parser.close()
        except etree.XMLSyntaxError as broken:
            yield self._cut(f"the file ends too early: {broken}")
            return
        if self._root is None:
            raise Undecodable("/", "wanted a POSLog document of a known namespace")
        if self._stated is not None and self._stated != str(self._count):
            yield Cut("/POSLog/TransactionCount", f"says {describe(self._stated)}, the file holds {self._count}")

    def _cut(self, error: str) -> Cut:
        self.done = True
        if self._root is None:
            raise Undecodable("/", f"not XML: {error}")
        return Cut(f"/POSLog/Transaction[{self._count + 1}]", f"nothing can be read from here on: {error}")

    def _events(self) -> Iterator[Node]:
        for event, element in self._parser.read_events():
            assert isinstance(element, Element), event
            parent = element.getparent()
            if parent is None:
                self._root = _checked_root(element)
            elif event == "end" and parent is self._root:
                if element.tag in tags("TransactionCount"):
                    self._stated = (element.text or "").strip()
                else:
                    self._count += 1
                    yield Node(element, f"/POSLog/Transaction[{self._count}]")
                    _release(element)


def _checked_root(element: Element) -> Element:
    if element.getroottree().docinfo.internalDTD is not None:
        raise Undecodable("/", "a document type declaration is not accepted")
    if element.tag not in tags("POSLog"):
        raise Undecodable("/", f"wanted a POSLog document, got {etree.QName(element).localname}")
    return element


def _release(element: Element) -> None:
    """Forget a transaction that has been decoded, and what stands before it."""
    element.clear()
    parent = element.getparent()
    while parent is not None and parent[0] is not element:
        del parent[0]


def cut_out(node: Node) -> bytes:
    """A transaction alone, as a POSLog document that can be decoded again."""
    namespace = etree.QName(node.element).namespace
    opening = f'<POSLog xmlns="{namespace}">' if namespace else "<POSLog>"
    return opening.encode() + etree.tostring(node.element, with_tail=False) + b"</POSLog>"
