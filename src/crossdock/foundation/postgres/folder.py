"""The data folder: who owns it, how it is laid out, and which release may open it.

folder.json  format and versions      lock      held while a hub lives
cluster/     PostgreSQL's own files    conf/     settings, rewritten at every start
socket/      reachable by us alone     postgres.log, tuning.conf (yours; read last, so it wins)
"""

import fcntl
import hashlib
import json
import os
import shutil
import stat
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from crossdock import VERSION
from crossdock.foundation.clock import SYSTEM_CLOCK
from crossdock.foundation.postgres.account import Account
from crossdock.foundation.postgres.binaries import MAJOR
from crossdock.foundation.postgres.errors import (
    FolderInUseError,
    FolderNotWritableError,
    FolderTooNewError,
    SocketError,
    disk_full,
    wrong_version,
)

FORMAT: Final = 1
_SOCKET_BYTES_MAX: Final = 103
"""macOS allows 103 bytes, Linux 107."""
_FRESH_BYTES_MIN: Final = 128 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What folder.json says."""

    format: int
    postgres_major: int
    created_by: str
    created_at: str


class DataFolder:
    """Paths of one data folder, and the lock that makes it ours."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.cluster = self.root / "cluster"
        self.conf = self.root / "conf"
        self.log = self.root / "postgres.log"
        self.tuning = self.root / "tuning.conf"
        self.stamp = self.root / "folder.json"
        self.connection = self.root / "connection.json"
        self._lock_file = self.root / "lock"
        self._lock = -1

    def claim(self) -> None:
        """Make the folder and take its lock, which the system frees even if we are killed."""
        if self.root.exists() and not self.root.is_dir():
            raise FolderNotWritableError(
                f"The data folder {self.root} is a file: remove it, or choose another folder with CROSSDOCK_HOME."
            )
        self.root.mkdir(mode=0o755, parents=True, exist_ok=True)
        lock = os.open(self._lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(lock, 20, 0).decode(errors="replace").strip() or "unknown"
            os.close(lock)
            raise FolderInUseError(
                f"The data folder {self.root} is in use by another hub (process {holder}): stop that one, or choose "
                "another folder with CROSSDOCK_HOME."
            ) from None
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        self._lock = lock

    def release(self) -> None:
        """Let another hub have the folder."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def is_fresh(self) -> bool:
        """True before the first start."""
        return not (self.cluster / "PG_VERSION").exists()

    def check_version(self) -> None:
        """Refuse what a newer release or another PostgreSQL made, before anything is written."""
        if self.stamp.exists():
            format_found = int(json.loads(self.stamp.read_text())["format"])
            if format_found > FORMAT:
                raise FolderTooNewError(
                    f"The data folder {self.root} was laid out by a newer Crossdock (format {format_found}, this release "
                    f"knows {FORMAT}): start that release, or restore a backup made before the upgrade."
                )
        if not self.is_fresh():
            found = (self.cluster / "PG_VERSION").read_text().strip()
            if found != str(MAJOR):
                raise wrong_version(self.root, found, MAJOR)
        elif shutil.disk_usage(self.root).free < _FRESH_BYTES_MIN:
            raise disk_full(self.root)

    def write_stamp(self) -> None:
        """Say once who made the folder."""
        if self.stamp.exists():
            return
        made = Stamp(format=FORMAT, postgres_major=MAJOR, created_by=VERSION, created_at=SYSTEM_CLOCK.now().isoformat())
        write_whole(self.stamp, json.dumps(asdict(made), indent=1) + "\n")

    def socket_folder(self, account: Account, port: int) -> Path:
        """A folder that only the server's user (and root) enters, short enough for a socket's address."""
        near = self.root / "socket"
        if len(os.fsencode(near / f".s.PGSQL.{port}")) <= _SOCKET_BYTES_MAX:
            near.mkdir(mode=0o700, exist_ok=True)
            near.chmod(0o700)
            account.own(near)
            return near
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        far = Path("/tmp") / f"crossdock-{account.uid}-{digest}"  # noqa: S108 (checked below: ours, closed, no link)
        far.mkdir(mode=0o700, exist_ok=True)
        found = far.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.geteuid(), account.uid) or found.st_mode & 0o077:
            raise SocketError(f"{far} belongs to someone else: remove it, or use a shorter path for the data folder.")
        account.own(far)
        return far

    def hand_over(self, account: Account) -> None:
        """In a person's own folder root leaves nothing that this person could not use later without root."""
        if self.root.stat().st_uid == account.uid:
            for path in (self._lock_file, self.log, self.stamp, self.conf, *self.conf.iterdir()):
                account.own(path)

    def forget(self, socket: Path) -> None:
        """Nothing points to a server that has ended."""
        self.connection.unlink(missing_ok=True)
        if socket.parent != self.root:
            with suppress(OSError):
                socket.rmdir()


def write_whole(path: Path, text: str) -> None:
    """A reader sees the old text or the new one, never a part."""
    part = path.with_name(path.name + ".part")
    part.write_text(text)
    part.replace(path)
