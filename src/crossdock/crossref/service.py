"""Link, look up, match."""

from collections.abc import Mapping, Sequence

from crossdock.connector_kit.verdict import Unmatched
from crossdock.crossref import store
from crossdock.crossref.model import (
    LandedDocument,
    Link,
    LinkConflict,
    Linked,
    LinkOutcome,
    MatchPlan,
    Ours,
    TheirObject,
)
from crossdock.crossref.rules import plan_matches
from crossdock.foundation.db import Database, Tx


async def link(tx: Tx, connection: str, kind: str, links: Sequence[Link]) -> Sequence[LinkOutcome]:
    """Store pairs. A pair that is already there is fine; a partner that is taken is a conflict and changes nothing."""
    new = await store.link(tx, connection, kind, links)
    present = await store.theirs_of(tx, connection, kind, [pair.ours for pair in links])
    return [
        Linked()
        if pair.ours in new or present.get(pair.ours) == pair.theirs
        else LinkConflict(ours=pair.ours, theirs=pair.theirs)
        for pair in links
    ]


async def unlink(tx: Tx, connection: str, kind: str, ours: str) -> bool:
    """Forget a pair; whether there was one."""
    return await store.unlink(tx, connection, kind, ours)


async def theirs(tx: Tx, connection: str, kind: str, ours: Sequence[str]) -> Mapping[str, str]:
    """Their ids by our codes, those that are linked."""
    return await store.theirs_of(tx, connection, kind, ours)


async def ours(tx: Tx, connection: str, kind: str, their_ids: Sequence[str]) -> Mapping[str, str]:
    """Our codes by their ids, those that are linked."""
    return await store.ours_of(tx, connection, kind, their_ids)


async def links(tx: Tx, connection: str, kind: str) -> Mapping[str, str]:
    """Every pair of a kind, ours → theirs."""
    return await store.all_of(tx, connection, kind)


async def see(tx: Tx, connection: str, kind: str, things: Sequence[TheirObject]) -> None:
    """Remember what the other side has."""
    unique = {thing.id: thing for thing in things}
    await store.see(tx, connection, kind, list(unique.values()))


async def see_all(tx: Tx, connection: str, kind: str, things: Sequence[TheirObject]) -> int:
    """The same for a whole directory: what is not in it is gone over there. How many are; links stay as they are."""
    await see(tx, connection, kind, things)
    await store.forget(tx, connection, kind, sorted({thing.id for thing in things}))
    return len({thing.id for thing in things})


async def plan(tx: Tx, connection: str, kind: str, our_things: Sequence[Ours], rules: Sequence[str] = ()) -> MatchPlan:
    """Match by rule against what was last seen; nothing is stored."""
    linked = await store.all_of(tx, connection, kind)
    return plan_matches(our_things, await store.seen(tx, connection, kind), linked, rules)


async def remember_document(tx: Tx, document: LandedDocument) -> bool:
    """A reference became a document of theirs; False when it already had one."""
    return await store.remember_document(tx, document)


async def documents_of(tx: Tx, subject: str) -> Sequence[LandedDocument]:
    """What a business object (`order/019a…`) has become elsewhere."""
    return await store.documents_of(tx, subject)


async def subjects_named(tx: Tx, text: str) -> Sequence[str]:
    """Business objects that some document id, number or reference of any system belongs to."""
    return await store.subjects_named(tx, text)


async def is_ours(tx: Tx, connection: str, document_id: str) -> bool:
    """Have we made this document ourselves?"""
    return bool(await store.known_documents(tx, connection, [document_id]))


class ConnectionIdentities:
    """What a connector's session asks: one connection's identities, each question a short transaction of its own."""

    def __init__(self, database: Database, connection: str) -> None:
        self._database = database
        self._connection = connection

    async def theirs(self, kind: str, ours: Sequence[str]) -> Mapping[str, str]:
        """Their ids by our codes; raises Unmatched for the first that has none."""
        async with self._database.transaction() as tx:
            found = await store.theirs_of(tx, self._connection, kind, ours)
        for code in ours:
            if code not in found:
                raise Unmatched(kind, code)
        return found

    async def ours(self, kind: str, theirs: Sequence[str]) -> Mapping[str, str]:
        """Our codes by their ids; those that have none are left out."""
        async with self._database.transaction() as tx:
            return await store.ours_of(tx, self._connection, kind, theirs)

    async def document(self, kind: str, reference: str) -> str | None:
        """Their id of a document that we have landed."""
        async with self._database.transaction() as tx:
            return await store.document_id(tx, self._connection, kind, reference)
