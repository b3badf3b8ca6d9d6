"""What is sealed: headers and body of a message together, packed where that pays. Keys are the vault's."""

import zlib
from collections.abc import Mapping
from typing import Final

import msgspec

from crossdock.foundation.vault import DataKey, SealBrokenError, Vault
from crossdock.inbound.model import MessageId, RecordShown, SealedMessage, StoredMessage

PACKED_FROM: Final = 2_000
"""Bytes. Below, packing costs more than it saves; above, PostgreSQL would pack by itself what it can read."""
PACKING: Final = 1
_PLAIN: Final = b"\0"
_PACKED: Final = b"\1"
_LENGTH_BYTES: Final = 4
_NO_HEADERS: Final = b"\0\0\0\2{}"
_HEADERS: Final = msgspec.json.Decoder(dict[str, str])


def seal(key: DataKey, message_id: MessageId, headers: Mapping[str, str], body: bytes) -> bytes:
    """Headers and body sealed under a key that seals nothing else but the message's own records."""
    front = _NO_HEADERS
    if headers:
        told = msgspec.json.encode(headers)
        front = len(told).to_bytes(_LENGTH_BYTES) + told
    plain = _PLAIN + front + body if len(body) < PACKED_FROM else _PACKED + zlib.compress(front + body, PACKING)
    return key.seal(plain, bound_to=message_id.bytes)


def opened(vault: Vault, row: SealedMessage) -> StoredMessage:
    """A message with its headers and body, or why there are none to be seen."""
    if row.request is None:
        return _stored(row, row.headers or {}, row.body)
    if row.erased_at is not None:
        whom = f" at the request of {row.request}" if row.request else ""
        return _stored(row, closed=f"erased on {row.erased_at.date().isoformat()}{whom}")
    assert row.wrapped_key is not None, row.id
    try:
        plain = vault.unwrap(row.wrapped_key).open(row.body, bound_to=row.id.bytes)
    except SealBrokenError:
        return _stored(row, closed="the seal is broken: another master key made it, or somebody has changed it")
    try:
        told = zlib.decompress(plain[1:]) if plain.startswith(_PACKED) else plain[1:]
        end = _LENGTH_BYTES + int.from_bytes(told[:_LENGTH_BYTES])
        return _stored(row, _HEADERS.decode(told[_LENGTH_BYTES:end]), told[end:])
    except (zlib.error, msgspec.MsgspecError) as error:
        return _stored(row, closed=f"it is not packed as messages are: {error}")


def _stored(
    row: SealedMessage, headers: Mapping[str, str] | None = None, body: bytes = b"", *, closed: str = ""
) -> StoredMessage:
    return StoredMessage(
        id=row.id,
        connection=row.connection,
        route=row.route,
        feed=row.feed,
        headers=headers or {},
        body=body,
        size=len(row.body) if row.size is None else row.size,
        received_at=row.received_at,
        wrapped_key=row.wrapped_key,
        closed=closed,
    )


class Parts:
    """Seals and opens what belongs to records, under their messages' keys; each key is unwrapped once."""

    __slots__ = ("_keys", "_vault")

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._keys: dict[bytes, DataKey] = {}

    def seal(self, wrapped_key: bytes | None, message_id: MessageId, plain: bytes | None) -> bytes | None:
        """None stays None; what belongs to a message without a key lies as open as the message itself."""
        if plain is None or wrapped_key is None:
            return plain
        return self._key(wrapped_key).seal(plain, bound_to=message_id.bytes)

    def open(self, wrapped_key: bytes | None, message_id: MessageId, sealed: bytes) -> bytes:
        """What `seal` was given; SealBrokenError when it was sealed otherwise."""
        return sealed if wrapped_key is None else self._key(wrapped_key).open(sealed, bound_to=message_id.bytes)

    def _key(self, wrapped_key: bytes) -> DataKey:
        known = self._keys.get(wrapped_key)
        if known is None:
            known = self._keys[wrapped_key] = self._vault.unwrap(wrapped_key)
        return known


def raw_of(parts: Parts, message: StoredMessage, record: RecordShown) -> bytes | None:
    """The record alone, opened; None when it was never cut out, or cannot be read any more."""
    if record.raw is None or message.closed:
        return None
    return parts.open(message.wrapped_key, message.id, record.raw)
