"""Backup while trading, and restore that is whole or not at all; on the embedded database and on the retailer's own.

A backup is one file, a zip of `database.dump` (what pg_dump makes) and `manifest.json` (when, by which release, which
schema, how many rows of each table, the dump's SHA-256). Its content is one snapshot: what was committed before it is
there, what was committed later is not. It holds personal data and is readable by its owner alone.
"""

from crossdock.foundation.backup.archive import Manifest, read_manifest
from crossdock.foundation.backup.dump import backup
from crossdock.foundation.backup.load import restore
from crossdock.foundation.backup.task import BackupError, OnProgress, Progress

__all__ = ["BackupError", "Manifest", "OnProgress", "Progress", "backup", "read_manifest", "restore"]
