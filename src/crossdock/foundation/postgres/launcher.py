"""A program of its own between us and PostgreSQL: changes the user, ties the child to our life, then becomes the child.

Run as a file by a bare interpreter, so it imports nothing of ours.
"""

import ctypes
import os
import struct
import sys
from dataclasses import dataclass

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAPABILITY_VERSION_3 = 0x20080522
_ORPHANED = 75


@dataclass(frozen=True, slots=True)
class Plan:
    """What to become; -1 leaves a field as it is."""

    uid: int
    gid: int
    capability: int
    parent: int
    death_signal: int

    def words(self) -> list[str]:
        """The plan as arguments."""
        return [str(word) for word in (self.uid, self.gid, self.capability, self.parent, self.death_signal)]


def become(plan: Plan, command: list[str]) -> None:
    """Never returns: the process turns into *command*."""
    linux = sys.platform == "linux"
    os.umask(0o077)
    if plan.uid >= 0:
        if plan.capability >= 0:
            _prctl(_PR_SET_KEEPCAPS, 1)
        os.setgroups([plan.gid])
        os.setgid(plan.gid)
        os.setuid(plan.uid)
        if plan.capability >= 0:
            _keep_only(plan.capability)
    if linux and plan.death_signal:
        _prctl(_PR_SET_PDEATHSIG, plan.death_signal)  # after setuid, which clears it
        if os.getppid() != plan.parent:
            sys.exit(_ORPHANED)
    os.execv(command[0], command)  # noqa: S606 (becoming the child is the point; there is no shell)


def _prctl(*words: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    padded = [ctypes.c_ulong(word) for word in (*words[1:], 0, 0, 0, 0)][:4]
    if libc.prctl(ctypes.c_int(words[0]), *padded) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def _keep_only(capability: int) -> None:
    """Of all that root may, the child keeps one thing, through exec as well."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    bit = 1 << capability
    sets = struct.pack("=6I", bit, bit, bit, 0, 0, 0)
    if libc.capset(header, sets) != 0:
        raise OSError(ctypes.get_errno(), "capset")
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability)


if __name__ == "__main__":
    become(Plan(*(int(word) for word in sys.argv[1:6])), sys.argv[6:])
