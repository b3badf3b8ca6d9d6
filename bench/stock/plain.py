"""What people write first: one transaction per reservation with a guarded `UPDATE`, and the same rows as ours."""

from pathlib import Path
from typing import Final

_SCRIPT: Final = r"""
\set n random(1, 9000000000000000)
BEGIN;
UPDATE inventory.position SET allocated = allocated + 1, version = version + 1, changed_at = greatest(now(), changed_at) WHERE sku = 'HOT' AND location = 'dc' AND condition = 'new' AND on_hand - damaged - quality_hold - quarantine - display - repair - return_to_vendor - allocated - held >= 1 RETURNING version \gset
INSERT INTO inventory.reservation (key, fingerprint, kind, requested_at, correlation_id, source) VALUES ('plain/' || :n::bigint, '\x00112233445566778899aabbccddeeff', 'allocation', now(), uuidv7(), 'bench');
INSERT INTO inventory.claim (key, sku, location, condition, kind, granted, arrived, remaining) VALUES ('plain/' || :n::bigint, 'HOT', 'dc', 'new', 'allocation', 1, 1, 1);
INSERT INTO inventory.movement (id, kind, sku, location, condition, version, from_account, to_account, quantity, short_before, short, key, reason, happened_at, recorded_at, correlation_id, source) VALUES (uuidv7(), 'allocate', 'HOT', 'dc', 'new', :version, 'available', 'allocated', 1, 0, 0, 'plain/' || :n::bigint, '', now(), now(), uuidv7(), 'bench');
COMMIT;
"""
_ONE_STATEMENT: Final = r"""
\set n random(1, 9000000000000000)
WITH taken AS (UPDATE inventory.position SET allocated = allocated + 1, version = version + 1, changed_at = greatest(now(), changed_at) WHERE sku = 'HOT' AND location = 'dc' AND condition = 'new' AND on_hand - damaged - quality_hold - quarantine - display - repair - return_to_vendor - allocated - held >= 1 RETURNING version), asked AS (INSERT INTO inventory.reservation (key, fingerprint, kind, requested_at, correlation_id, source) SELECT 'plain/' || :n::bigint, '\x00112233445566778899aabbccddeeff', 'allocation', now(), uuidv7(), 'bench' FROM taken), claimed AS (INSERT INTO inventory.claim (key, sku, location, condition, kind, granted, arrived, remaining) SELECT 'plain/' || :n::bigint, 'HOT', 'dc', 'new', 'allocation', 1, 1, 1 FROM taken) INSERT INTO inventory.movement (id, kind, sku, location, condition, version, from_account, to_account, quantity, short_before, short, key, reason, happened_at, recorded_at, correlation_id, source) SELECT uuidv7(), 'allocate', 'HOT', 'dc', 'new', version, 'available', 'allocated', 1, 0, 0, 'plain/' || :n::bigint, '', now(), now(), uuidv7(), 'bench' FROM taken;
"""


def transaction(folder: Path) -> Path:
    """Four statements in a transaction, as an application with an ORM sends them."""
    return _written(folder / "plain.sql", _SCRIPT)


def statement(folder: Path) -> Path:
    """All of it in one statement, as few write it: the row is locked for as short as it can be."""
    return _written(folder / "statement.sql", _ONE_STATEMENT)


def _written(file: Path, text: str) -> Path:
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return file
