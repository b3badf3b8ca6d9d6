"""Identities and landed documents on a real database."""

from datetime import UTC, datetime

import pytest

from crossdock.connector_kit.verdict import Unmatched
from crossdock.crossref import service as crossref
from crossdock.crossref.model import LandedDocument, Link, LinkConflict, Linked, Ours, TheirObject
from crossdock.crossref.service import ConnectionIdentities
from crossdock.foundation.db import Database

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)


def pair(ours: str, theirs: str) -> Link:
    return Link(ours=ours, theirs=theirs, how="hand")


def document(reference: str, document_id: str, number: str = "", subject: str = "order/1") -> LandedDocument:
    return LandedDocument(
        connection="erp",
        kind="sale.post",
        reference=reference,
        document_id=document_id,
        number=number,
        subject=subject,
        landed_at=NOW,
    )


async def test_linking_twice_is_fine_and_a_taken_partner_is_a_conflict_that_changes_nothing(database: Database) -> None:
    async with database.transaction() as tx:
        await crossref.link(tx, "erp", "sku", [pair("A", "1"), pair("B", "2")])

        outcomes = await crossref.link(tx, "erp", "sku", [pair("A", "1"), pair("A", "3"), pair("C", "2")])

        assert outcomes == [Linked(), LinkConflict(ours="A", theirs="3"), LinkConflict(ours="C", theirs="2")]
        assert await crossref.links(tx, "erp", "sku") == {"A": "1", "B": "2"}


async def test_connections_and_kinds_do_not_share_identities(database: Database) -> None:
    async with database.transaction() as tx:
        await crossref.link(tx, "erp", "sku", [pair("A", "1")])

        outcomes = [
            *await crossref.link(tx, "shop", "sku", [pair("A", "1")]),
            *await crossref.link(tx, "erp", "location", [pair("A", "1")]),
        ]

        assert outcomes == [Linked(), Linked()]


async def test_an_unlinked_pair_may_be_linked_anew(database: Database) -> None:
    async with database.transaction() as tx:
        await crossref.link(tx, "erp", "sku", [pair("A", "1")])

        assert await crossref.unlink(tx, "erp", "sku", "A")
        assert not await crossref.unlink(tx, "erp", "sku", "A")
        assert await crossref.link(tx, "erp", "sku", [pair("B", "1")]) == [Linked()]


async def test_a_whole_directory_forgets_what_is_gone_but_keeps_links(database: Database) -> None:
    first = [TheirObject(id=number, code=f"c{number}", name="", barcodes=("77",)) for number in ("1", "2")]
    async with database.transaction() as tx:
        await crossref.see_all(tx, "erp", "sku", first)
        await crossref.link(tx, "erp", "sku", [pair("A", "1")])

        assert await crossref.see_all(tx, "erp", "sku", [first[1], first[1]]) == 1

        plan = await crossref.plan(tx, "erp", "sku", [Ours(code="A"), Ours(code="x", barcodes=("077",))])
        assert plan.links == (Link(ours="x", theirs="2", how="rule:barcode"),)
        assert await crossref.links(tx, "erp", "sku") == {"A": "1"}


async def test_a_reference_becomes_one_document_and_every_name_of_it_leads_to_its_order(database: Database) -> None:
    async with database.transaction() as tx:
        assert await crossref.remember_document(tx, document("ref-1", "42", "SO-42"))
        assert not await crossref.remember_document(tx, document("ref-1", "43"))

        assert [await crossref.subjects_named(tx, name) for name in ("42", "SO-42", "ref-1", "43")] == [
            ["order/1"],
            ["order/1"],
            ["order/1"],
            [],
        ]
        assert await crossref.is_ours(tx, "erp", "42")
        assert not await crossref.is_ours(tx, "shop", "42")
        assert [each.number for each in await crossref.documents_of(tx, "order/1")] == ["SO-42"]


async def test_a_session_is_told_which_code_is_not_matched(database: Database) -> None:
    async with database.transaction() as tx:
        await crossref.link(tx, "erp", "sku", [pair("A", "1")])
        await crossref.remember_document(tx, document("ref-1", "42"))
    identities = ConnectionIdentities(database, "erp")

    assert await identities.theirs("sku", ["A"]) == {"A": "1"}
    assert await identities.ours("sku", ["1", "9"]) == {"1": "A"}
    assert await identities.document("sale.post", "ref-1") == "42"
    assert await identities.document("sale.post", "ref-2") is None
    with pytest.raises(Unmatched) as missing:
        await identities.theirs("sku", ["A", "B"])
    assert (missing.value.kind, missing.value.code) == ("sku", "B")
