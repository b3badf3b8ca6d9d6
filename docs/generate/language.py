"""The hub's own language: documents, facts, intents, and how one becomes the other."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from crossdock.assembly.reactions import REACTORS
from crossdock.assembly.registry import connectors
from crossdock.canonical.facts import FACT_TYPES, fact_version
from crossdock.canonical.intents import INTENT_KINDS
from crossdock.canonical.schemas import DOCUMENTS
from crossdock.outbound.derivation.rules import SOURCES

from .markdown import anchor, code, page, table
from .source import about, reachable
from .words import section

PARTS: Final = "documents.md"
"""The page on which shared parts (lines, persons, taxes) are described."""


def documents_page() -> str:
    """What others tell us."""
    kinds = list(DOCUMENTS.values())
    parts = _parts_of([*kinds, *INTENT_KINDS.values(), *FACT_TYPES.values()])
    links = _links()
    named = [section(kind, links, name) for name, kind in DOCUMENTS.items()]
    return page(
        "Documents",
        "What other systems tell the hub, in the hub's own words. Connectors decode into these; the HTTP API takes them as they "
        "are. Unknown fields are refused, and so is a name that stands twice (tills' JSON lines may say more than is read). Decimals "
        "may be written as JSON numbers or as text, plainly (`12.50`), and are kept exactly: up to 18 digits, six of them behind "
        "the point. Times need a zone. Codes are compared as Unicode composes them (NFC), without control or invisible characters. "
        "`crossdock schemas export FOLDER` writes the JSON Schema of each.",
        *named,
        "# Parts",
        "Shared by documents, [intents](flows.md) and [facts](facts.md).",
        *(section(kind, links) for kind in parts),
    )


def facts_page() -> str:
    """What the event log holds."""
    links = _links()
    return page(
        "Facts",
        "What happened, one row of the event log each: append-only, versioned, without names and addresses of people. A state "
        "change and its facts commit together. Subscribers read them in commit order from `GET /v1/events` (see "
        "[the API](api.md)). What is made of them: [Facts and flows](flows.md).",
        table(
            ("fact", "version", "meaning"),
            [
                (f"[{name}](#{anchor(name)})", str(fact_version(name)), _first(kind))
                for name, kind in FACT_TYPES.items()
            ],
        ),
        *(section(kind, links, name) for name, kind in FACT_TYPES.items()),
    )


def flows_page() -> str:
    """Fact → intent → connector."""
    links = _links()
    return page(
        "Facts and flows",
        "Packages commit facts and know no destinations. What goes out is derived from the event log by the estate's `flows`; "
        "what the hub does inside is set in motion by reactions to the same log.",
        "## From fact to intent",
        table(("fact", "what becomes of it"), [(_fact_link(name), text) for name, text in SOURCES.items()]),
        "`stock.publish` is made from no single fact: a channel's current figure is read when it is sent, so a thousand movements "
        "of one item are one send. An intent is never made for the connection that told the fact.",
        "## From fact to reaction",
        table(("reaction", "follows", "what it does"), list(_reactions())),
        "## Who can carry what",
        table(("intent", *carriers()), list(carried())),
        "# Intents",
        "What the hub wants another system to do.",
        *(section(kind, links, name) for name, kind in INTENT_KINDS.items()),
    )


def _fact_link(name: str) -> str:
    return f"[{name}](facts.md#{anchor(name)})"


def _first(kind: type) -> str:
    return about(kind).partition("\n\n")[0]


def _parts_of(kinds: Sequence[type]) -> list[type]:
    """What the named documents are made of, and every enum."""
    return [kind for kind in reachable(kinds) if kind not in kinds]


def _links() -> Mapping[str, str]:
    named = [*DOCUMENTS.values(), *INTENT_KINDS.values(), *FACT_TYPES.values()]
    return {kind.__name__: f"{PARTS}#{anchor(kind.__name__)}" for kind in _parts_of(named)}


def _reactions() -> Iterable[tuple[str, str, str]]:
    for reactor in REACTORS:
        tags = [_fact_link(_tag(kind)) for kind in reactor.to]
        yield reactor.name, ", ".join(tags) or "every fact", about(reactor.react)


def _tag(kind: type[msgspec.Struct]) -> str:
    return str(kind.__struct_config__.tag)


def carriers() -> list[str]:
    """Connectors that carry anything."""
    return [connector.title for connector in connectors().values() if connector.sends]


def carried() -> Iterable[tuple[str, ...]]:
    """Intent by intent, which of them carries it."""
    senders = [connector for connector in connectors().values() if connector.sends]
    for kind in INTENT_KINDS:
        yield code(kind), *("yes" if connector.send(kind) is not None else "no" for connector in senders)
