"""The backup file: a zip of a manifest and a dump."""

import hashlib
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from crossdock.foundation.backup.task import CHUNK, BackupError, Task

FORMAT: Final = 1
DUMP: Final = "database.dump"
MANIFEST: Final = "manifest.json"


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup says of itself."""

    format: int
    made_at: datetime
    made_by: str
    postgres_major: int
    migrations: tuple[str, ...]
    rows: Mapping[str, int]
    dump_bytes: int
    dump_sha256: str


def read_manifest(file: Path) -> Manifest:
    """What *file* says of itself, without checking the dump."""
    with opened(file) as archive:
        return manifest_in(archive, file)


@contextmanager
def opened(file: Path) -> Iterator[zipfile.ZipFile]:
    """The archive, or a sentence."""
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except zipfile.BadZipFile as error:
        raise damaged(file) from error
    except OSError as error:
        raise BackupError(f"The backup {file} cannot be read ({error.strerror or error}): check its path.") from error


def manifest_in(archive: zipfile.ZipFile, file: Path) -> Manifest:
    """Decoded strictly."""
    try:
        return msgspec.json.decode(archive.read(MANIFEST), type=Manifest)
    except (KeyError, zipfile.BadZipFile, msgspec.DecodeError) as error:
        raise damaged(file) from error


def check_dump(archive: zipfile.ZipFile, manifest: Manifest, file: Path, task: Task) -> None:
    """Read the dump once and compare it with its manifest, before anything is touched."""
    digest = hashlib.sha256()
    done = 0
    try:
        with archive.open(DUMP) as source:
            while chunk := source.read(CHUNK):
                task.stop_if_cancelled()
                digest.update(chunk)
                done += len(chunk)
                task.say("check", done, manifest.dump_bytes)
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        raise damaged(file) from error
    if digest.hexdigest() != manifest.dump_sha256:
        raise damaged(file)


def damaged(file: Path) -> BackupError:
    """One wording for every way of being broken."""
    return BackupError(f"{file} is not a whole backup of Crossdock: use another one; nothing was changed.")
