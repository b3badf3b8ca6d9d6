"""Laws of customers and the vault: a person is one subject, sealed, and can be forgotten."""

import asyncio
import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.base import ConnectionName
from crossdock.canonical.orders import Address, Person
from crossdock.customers import service
from crossdock.customers.model import Contact, ContactId, Erased, Known, NewContact, SubjectId, Unknown
from crossdock.customers.rules import identity_of
from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.db import Database, fetch_tuples
from crossdock.foundation.ids import new_id
from crossdock.foundation.vault import MASTER_KEY_FILE, SealBrokenError, Vault, VaultError

SHOP = ConnectionName("shop")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = datetime(2026, 11, 22, 12, tzinfo=UTC)
CANARY = "Zyxella Quibberton"


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault.open(tmp_path / "home")


def contact(
    email: str = "", *, channel_id: str = "", connection: ConnectionName = SHOP, at: datetime = LATER
) -> NewContact:
    person = Person(channel_customer_id=channel_id, name=CANARY, email=email)
    said = Contact(person=person, ship_to=Address(name=CANARY, city="Ulm"))
    return NewContact(ContactId(new_id()), connection, said, at)


async def remember(database: Database, vault: Vault, *contacts: NewContact) -> list[SubjectId]:
    async with database.transaction() as tx:
        return list(await service.remember_many(tx, vault, contacts))


async def test_what_was_remembered_is_revealed_unchanged(database: Database, vault: Vault) -> None:
    new = contact("ann@example.org")

    await remember(database, vault, new)

    async with database.transaction() as tx:
        assert await service.reveal(tx, vault, new.id) == Known(new.contact)
        assert await service.reveal(tx, vault, ContactId(new_id())) == Unknown()


async def test_a_repeat_customer_is_one_subject_within_and_across_batches(database: Database, vault: Vault) -> None:
    first = await remember(
        database, vault, contact("Ann@Example.org "), contact("ann@example.org"), contact("bob@x.org")
    )
    second = await remember(database, vault, contact("ANN@EXAMPLE.ORG"))

    assert first[0] == first[1] == second[0] != first[2]


async def test_the_same_address_on_another_connection_is_another_subject(database: Database, vault: Vault) -> None:
    ids = await remember(
        database, vault, contact("ann@example.org"), contact("ann@example.org", connection=ConnectionName("market"))
    )

    assert ids[0] != ids[1]


async def test_guests_without_an_address_never_share_a_subject(database: Database, vault: Vault) -> None:
    ids = await remember(database, vault, contact(), contact())

    assert ids[0] != ids[1]


async def test_no_table_holds_a_readable_name_or_address(database: Database, vault: Vault) -> None:
    await remember(database, vault, contact("canary@example.org"))

    async with database.transaction() as tx:
        rows = await fetch_tuples(tx, "SELECT s::text, c::text FROM customers.subject s, customers.contact c")
        text = str(rows) + str(
            await fetch_tuples(tx, "SELECT sealed, identity FROM customers.contact, customers.subject")
        )
    assert CANARY not in text
    assert "canary@example.org" not in text
    assert CANARY.encode().hex() not in text


async def test_erasing_a_person_closes_all_their_contacts_and_nobody_elses(database: Database, vault: Vault) -> None:
    hers, later, his = contact("ann@example.org"), contact("ann@example.org"), contact("bob@example.org")
    subject = (await remember(database, vault, hers, later, his))[0]

    async with database.transaction() as tx:
        assert await service.erase(tx, subject, now=NOW)
        assert not await service.erase(tx, subject, now=NOW)

    async with database.transaction() as tx:
        assert await service.reveal(tx, vault, hers.id) == Erased(subject)
        assert await service.reveal(tx, vault, later.id) == Erased(subject)
        assert await service.reveal(tx, vault, his.id) == Known(his.contact)


async def test_an_erased_person_who_buys_again_is_somebody_new(database: Database, vault: Vault) -> None:
    old = contact("ann@example.org")
    subject = (await remember(database, vault, old))[0]
    async with database.transaction() as tx:
        await service.erase(tx, subject, now=NOW)

    fresh = contact("ann@example.org")
    again = (await remember(database, vault, fresh))[0]

    assert again != subject
    async with database.transaction() as tx:
        assert await service.reveal(tx, vault, fresh.id) == Known(fresh.contact)
        assert await service.reveal(tx, vault, old.id) == Erased(subject)
        assert await service.find(tx, vault, SHOP, Person(email="ann@example.org")) == again


async def test_two_batches_with_the_same_people_in_opposite_order_both_finish(database: Database, vault: Vault) -> None:
    people = [f"p{n}@example.org" for n in range(30)]

    async def batch(order: list[str]) -> list[SubjectId]:
        return await remember(database, vault, *(contact(email) for email in order))

    async with database.transaction() as tx:
        await service.remember_many(tx, vault, [contact(people[15])])
        both = asyncio.gather(batch(people), batch(people[::-1]))
        await waiting_for_locks(database, 2)
        await tx.execute("DELETE FROM customers.contact")
        await tx.execute("DELETE FROM customers.subject")
    there, back = await both

    assert there == back[::-1]


async def waiting_for_locks(database: Database, sessions: int) -> None:
    """Until so many sessions wait for somebody else's rows."""
    for _ in range(500):
        async with database.transaction() as tx:
            rows = await fetch_tuples(
                tx,
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
            )
        if rows[0][0] >= sessions:
            return
        await SYSTEM_CLOCK.sleep(0.01)
    raise AssertionError("nobody waits")


def test_the_master_key_file_is_made_once_and_private(tmp_path: Path) -> None:
    first = Vault.open(tmp_path / "home")
    file = tmp_path / "home" / MASTER_KEY_FILE

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert Vault.open(tmp_path / "home").mark(b"x") == first.mark(b"x")
    assert [name.name for name in (tmp_path / "home").iterdir()] == [MASTER_KEY_FILE]


def test_a_master_key_that_others_can_read_or_that_is_damaged_is_refused_with_what_to_do(tmp_path: Path) -> None:
    Vault.open(tmp_path)
    file = tmp_path / MASTER_KEY_FILE
    file.chmod(0o644)
    with pytest.raises(VaultError, match="chmod 600"):
        Vault.open(tmp_path)

    file.chmod(0o600)
    file.write_text("crossdock-master-key-1 AAAA\n")
    with pytest.raises(VaultError, match="restore it from its backup"):
        Vault.open(tmp_path)


@given(plain=st.binary(max_size=300), at=st.integers(0, 400), flip=st.integers(1, 255))
def test_a_sealed_value_opens_only_unchanged_with_its_own_key_and_binding(plain: bytes, at: int, flip: int) -> None:
    vault = Vault(os.urandom(32))
    key, wrapped = vault.new_key()
    sealed = key.seal(plain, bound_to=b"row")

    assert vault.unwrap(wrapped).open(sealed, bound_to=b"row") == plain
    at %= len(sealed)
    changed = sealed[:at] + bytes([sealed[at] ^ flip]) + sealed[at + 1 :]
    for attempt in (
        lambda: key.open(changed, bound_to=b"row"),
        lambda: key.open(sealed, bound_to=b"other"),
        lambda: vault.new_key()[0].open(sealed, bound_to=b"row"),
        lambda: Vault(os.urandom(32)).unwrap(wrapped),
    ):
        with pytest.raises(SealBrokenError):
            attempt()


@given(email=st.emails(), channel_id=st.text(max_size=5))
def test_the_channels_own_id_identifies_before_the_address_does(email: str, channel_id: str) -> None:
    person = Person(channel_customer_id=channel_id, email=email)

    identity = identity_of(person)

    assert identity is not None
    assert identity.startswith("id ") == bool(channel_id)
    assert identity_of(Person(email=f" {email.upper()} ")) == identity_of(Person(email=email.upper().casefold()))
