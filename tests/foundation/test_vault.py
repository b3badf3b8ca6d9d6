"""Sealed values open with their own key, in their own place, and with this master key only."""

import multiprocessing
import os
from pathlib import Path

import pytest

from crossdock.foundation.vault import MASTER_KEY_FILE, SealBrokenError, Vault, VaultError


def marks_of(home: Path) -> bytes:
    return Vault.open(home).mark(b"same")


def test_what_was_sealed_opens_with_the_same_key_and_place_only() -> None:
    vault = Vault(os.urandom(32))
    key, wrapped = vault.new_key()
    sealed = key.seal(b"Zyxella", bound_to=b"row 1")

    assert vault.unwrap(wrapped).open(sealed, bound_to=b"row 1") == b"Zyxella"
    with pytest.raises(SealBrokenError):
        key.open(sealed, bound_to=b"row 2")
    with pytest.raises(SealBrokenError):
        vault.new_key()[0].open(sealed, bound_to=b"row 1")
    with pytest.raises(SealBrokenError):
        key.open(sealed[:-1] + bytes([sealed[-1] ^ 1]), bound_to=b"row 1")
    with pytest.raises(SealBrokenError):
        Vault(os.urandom(32)).unwrap(wrapped)


def test_the_same_value_is_sealed_differently_each_time_and_marked_alike() -> None:
    vault = Vault(os.urandom(32))
    key, _ = vault.new_key()

    assert key.seal(b"x", bound_to=b"") != key.seal(b"x", bound_to=b"")
    assert vault.mark(b"x") == vault.mark(b"x") != vault.mark(b"y")
    assert Vault(os.urandom(32)).mark(b"x") != vault.mark(b"x")


def test_no_key_shows_itself() -> None:
    key, _ = Vault(os.urandom(32)).new_key()

    assert repr(key) == "DataKey(…)"


def test_the_master_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = marks_of(home)

    assert marks_of(home) == first
    assert (home / MASTER_KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert [file.name for file in home.iterdir()] == [MASTER_KEY_FILE], "no draft is left behind"


def test_processes_that_start_together_share_one_key(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        marks = pool.map(marks_of, [tmp_path / "home"] * 6, chunksize=1)

    assert len(set(marks)) == 1


def test_a_key_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    Vault.open(tmp_path)
    (tmp_path / MASTER_KEY_FILE).chmod(0o644)

    with pytest.raises(VaultError, match="chmod 600"):
        Vault.open(tmp_path)


@pytest.mark.parametrize("content", ["", "crossdock-master-key-1", "crossdock-master-key-1 AAAA", "something else\n"])
def test_a_damaged_key_is_never_replaced_by_a_new_one(tmp_path: Path, content: str) -> None:
    """A new key would turn every name and address into noise."""
    file = tmp_path / MASTER_KEY_FILE
    file.write_text(content)
    file.chmod(0o600)

    with pytest.raises(VaultError, match="restore it from its backup"):
        Vault.open(tmp_path)
    assert file.read_text() == content


def test_a_home_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(VaultError, match="CROSSDOCK_HOME"):
        Vault.open(tmp_path / "file")
