"""As whom PostgreSQL runs: ourselves, except that it refuses root.

As root it runs as the owner of the data folder, else as `postgres`, else as `nobody`; no user is ever created. Folders
that such a user cannot reach (a checkout under /root) stay where they are: on Linux the programs are started with the
one capability that lets them pass closed parent folders.
"""

import os
import pwd
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crossdock.foundation.postgres import launcher
from crossdock.foundation.postgres.errors import AccountError

_CAPS_TO_BECOME: Final = (0, 6, 7)
"""CAP_CHOWN, CAP_SETGID, CAP_SETUID."""
_CAP_DAC_OVERRIDE: Final = 1
_CAP_DAC_READ_SEARCH: Final = 2


@dataclass(frozen=True, slots=True)
class Account:
    """The operating-system user of the server; `switch` when that is not us."""

    uid: int
    gid: int
    switch: bool

    def own(self, path: Path) -> None:
        """Give a file or folder to the server."""
        if self.switch:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def own_tree(self, folder: Path) -> None:
        """Give a whole folder to the server, such as one that root copied back from a tape."""
        if not self.switch or folder.stat().st_uid == self.uid:
            return
        for parent, _, names in os.walk(folder):
            self.own(Path(parent))
            for name in names:
                self.own(Path(parent, name))

    def command(self, program: Path, *arguments: str, needs: tuple[Path, ...], die_with_us: int = 0) -> list[str]:
        """How to start *program* as this user, reaching *needs*; *die_with_us* is the signal it gets if we die."""
        capability = self._capability((program, *needs))
        plan = launcher.Plan(
            uid=self.uid if self.switch else -1,
            gid=self.gid if self.switch else -1,
            capability=capability,
            parent=os.getpid(),
            death_signal=die_with_us,
        )
        return [sys.executable, "-I", "-S", launcher.__file__, *plan.words(), str(program), *arguments]

    def _capability(self, needs: tuple[Path, ...]) -> int:
        if not self.switch:
            return -1
        closed = [path for path in needs if not self._reaches(path)]
        if not closed:
            return -1
        for capability in (_CAP_DAC_READ_SEARCH, _CAP_DAC_OVERRIDE):
            if _held() >> capability & 1:
                return capability
        name = pwd.getpwuid(self.uid).pw_name
        raise AccountError(
            f"PostgreSQL refuses to run as root and would run as {name}, who cannot reach {closed[0].parent}: use a folder that "
            f"{name} can reach (CROSSDOCK_HOME), or start crossdock as an ordinary user."
        )

    def _reaches(self, path: Path) -> bool:
        return all(self._enters(parent) for parent in path.resolve().parents)

    def _enters(self, folder: Path) -> bool:
        found = folder.stat()
        if found.st_uid == self.uid:
            return bool(found.st_mode & stat.S_IXUSR)
        if found.st_gid == self.gid:
            return bool(found.st_mode & stat.S_IXGRP)
        return bool(found.st_mode & stat.S_IXOTH)


def chosen(cluster: Path) -> Account:
    """The user for the cluster in *cluster*, which may not exist yet."""
    if os.geteuid() != 0:
        uid = os.geteuid()
        try:
            pwd.getpwuid(uid)
        except KeyError:
            raise AccountError(
                f"The user id {uid} has no name on this machine, and PostgreSQL needs one: add it to /etc/passwd, or "
                "start crossdock as another user."
            ) from None
        return Account(uid, os.getegid(), switch=False)
    if sys.platform == "linux" and any(not _held() >> capability & 1 for capability in _CAPS_TO_BECOME):
        raise AccountError(
            "PostgreSQL refuses to run as root, and this process may not become another user (its capabilities were "
            "dropped): start crossdock as an ordinary user."
        )
    entry = _owner(cluster) or _named("postgres") or _named("nobody")
    if entry is None:
        raise AccountError(
            "PostgreSQL refuses to run as root, and this machine has neither a user `postgres` nor `nobody`: start "
            "crossdock as an ordinary user."
        )
    return Account(entry.pw_uid, entry.pw_gid, switch=True)


def names() -> list[str]:
    """Who may connect to the socket: the user that this process is."""
    return [pwd.getpwuid(os.geteuid()).pw_name]


def _owner(path: Path) -> pwd.struct_passwd | None:
    nearest = next(place for place in (path, *path.absolute().parents) if place.exists())
    uid = nearest.stat().st_uid
    if uid == 0:
        return None
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        return None


def _named(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _held() -> int:
    """Our capabilities as a bit set; zero where the system has none (macOS)."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    line = next(line for line in status.read_text().splitlines() if line.startswith("CapEff:"))
    return int(line.split()[1], 16)
