"""Keys for personal data: one per person, wrapped by a master key that never enters the database.

Erasing a person is forgetting their wrapped key: rows, logs and backups that hold what it sealed become noise. Whoever
loses the master key file loses every name and address, so a backup of the database needs a copy of it, kept apart.
"""

import base64
import binascii
import os
import secrets
import stat
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MASTER_KEY_FILE: Final = "master.key"
_HEADER: Final = "crossdock-master-key-1"
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_MARK_BYTES: Final = 16


class VaultError(Exception):
    """The master key cannot be used; the text says why and what to do."""


class SealBrokenError(Exception):
    """A sealed value does not open with this key: another master key sealed it, or somebody changed it."""


class DataKey:
    """One person's key, unwrapped: it stays in memory only."""

    __slots__ = ("_cipher",)

    def __init__(self, secret: bytes) -> None:
        assert len(secret) == _KEY_BYTES, len(secret)
        self._cipher = AESGCM(secret)

    def seal(self, plain: bytes, *, bound_to: bytes, nonce: bytes = b"") -> bytes:
        """Encrypt and authenticate; opens only together with the same *bound_to* (the row's own id).

        A *nonce* given is random and never used again; without one it is drawn here.
        """
        nonce = nonce or secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, bound_to)

    def open(self, sealed: bytes, *, bound_to: bytes) -> bytes:
        """What `seal` was given; SealBrokenError when key, binding or content differ."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to)
        except InvalidTag:
            raise SealBrokenError("A sealed value does not open with this master key.") from None

    def __repr__(self) -> str:
        """Never the secret: keys end up in tracebacks."""
        return "DataKey(…)"


class Vault:
    """The master key and what it can do. `Vault.open(home)` makes the key file at the first start."""

    def __init__(self, master: bytes) -> None:
        assert len(master) == _KEY_BYTES, len(master)
        # Two uses, two keys: what is written beside the data (marks) tells nothing about what wraps the keys.
        self._wrapping = DataKey(blake2b(b"wrap", key=master, digest_size=_KEY_BYTES).digest())
        self._marking = blake2b(b"mark", key=master, digest_size=_KEY_BYTES).digest()

    @classmethod
    def open(cls, home: Path) -> "Vault":
        """Read the master key file under *home*, making it (0600) when there is none."""
        file = home / MASTER_KEY_FILE
        try:
            home.mkdir(parents=True, exist_ok=True)
            if not file.exists():
                _make(file)
            return cls(_read(file))
        except OSError as error:
            raise VaultError(
                f"The master key file {file} cannot be used ({error.strerror or error}): correct its path or "
                "permissions, or choose another folder with CROSSDOCK_HOME."
            ) from error

    def mark(self, content: bytes) -> bytes:
        """A keyed hash: equal content gives equal marks, and nobody without the master key can test a guess."""
        return blake2b(content, key=self._marking, digest_size=_MARK_BYTES).digest()

    def new_key(self) -> tuple[DataKey, bytes]:
        """A fresh data key, and the same wrapped for keeping."""
        return self.new_keys(1)[0]

    def new_keys(self, count: int) -> Sequence[tuple[DataKey, bytes]]:
        """Many at once, out of one piece of randomness: hundreds are made per commit."""
        noise = secrets.token_bytes(count * (_KEY_BYTES + _NONCE_BYTES))
        made: list[tuple[DataKey, bytes]] = []
        for start in range(0, len(noise), _KEY_BYTES + _NONCE_BYTES):
            end = start + _KEY_BYTES
            secret = noise[start:end]
            wrapped = self._wrapping.seal(secret, bound_to=b"", nonce=noise[end : end + _NONCE_BYTES])
            made.append((DataKey(secret), wrapped))
        return made

    def unwrap(self, wrapped: bytes) -> DataKey:
        """The data key again; SealBrokenError when another master key wrapped it."""
        return DataKey(self._wrapping.open(wrapped, bound_to=b""))


def _make(file: Path) -> None:
    """Write the key whole, then link it into place: of two processes that start together one wins, both read it."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    text = f"{_HEADER} {base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()}\n"
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(handle, text.encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    _sync_folder(file.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(file: Path) -> bytes:
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o077:
        raise VaultError(f"The master key file {file} is open to other users (mode {mode:o}): run `chmod 600 {file}`.")
    header, _, encoded = file.read_text(encoding="ascii", errors="replace").strip().partition(" ")
    try:
        master = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        master = b""
    if header != _HEADER or len(master) != _KEY_BYTES:
        raise VaultError(
            f"{file} is not a Crossdock master key file: restore it from its backup; do not make a new one."
        )
    return master
