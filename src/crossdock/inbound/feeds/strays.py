"""Files that nobody takes: put into a folder that is no connection's, or beside the folders."""

import contextlib
import os
from collections.abc import Collection, Mapping
from pathlib import Path

from crossdock.inbound.rules import is_temporary, name_kept


def strays(root: Path, taken: Collection[str]) -> Mapping[str, int]:
    """What lies below the drop folders' *root* for nobody: a folder's or file's name, and how many files it is.

    *taken* are the connections that take files.
    """
    found: dict[str, int] = {}
    with contextlib.suppress(FileNotFoundError), os.scandir(root) as entries:
        for entry in entries:
            if is_temporary(entry.name) or entry.name in taken:
                continue
            waiting = _waiting(entry)
            if waiting:
                found[name_kept(entry.name)] = waiting
    return found


def _waiting(entry: "os.DirEntry[str]") -> int:
    if not entry.is_dir(follow_symlinks=False):
        return 1
    with contextlib.suppress(OSError), os.scandir(entry.path) as below:
        return sum(not each.is_dir(follow_symlinks=False) and not is_temporary(each.name) for each in below)
    return 0
