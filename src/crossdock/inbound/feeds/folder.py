"""A drop folder on its disk: look, read, put aside. Links are never followed, and nothing that is not a file is opened."""

import contextlib
import errno
import os
import stat
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from crossdock.foundation.log import logger
from crossdock.inbound.feeds.looks import Mark

log = logger(__name__)

DONE: Final = "done"
FAILED: Final = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A file that was read whole, and has not been written to meanwhile."""

    name: str
    """Below the drop folder."""
    body: bytes
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """A file that is not read, and why."""

    name: str
    reason: str
    mark: Mark


def look(folder: Path) -> Mapping[str, Mark]:
    """Everything in the folder but folders, by name; nothing when there is no folder yet."""
    marks: dict[str, Mark] = {}
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):  # somebody took it away since the folder was read
                if not entry.is_dir(follow_symlinks=False):
                    marks[entry.name] = _mark(entry.stat(follow_symlinks=False))
    return marks


def look_at(folder: Path, names: Collection[str]) -> Mapping[str, Mark]:
    """These files below the folder, as far as they are there."""
    marks: dict[str, Mark] = {}
    for name in names:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            marks[name] = _mark((folder / name).lstat())
    return marks


def matching(names: Collection[str], pattern: str, marker: str) -> Sequence[str]:
    """Files of a drop, in capitals or not; with a *marker*, those that it stands beside: `day.dat.complete` or
    `day.complete`.
    """
    fitting = [name for name in names if fits(name, pattern)]
    if not marker:
        return fitting
    there = {name.lower() for name in names}
    return [
        name
        for name in fitting
        if not is_marker(name, marker) and any(each in there for each in _markers(name, marker))
    ]


def fits(name: str, pattern: str) -> bool:
    """Is a file of that name meant? Tills that write `DAY.XML` mean what others mean by `day.xml`."""
    return fnmatchcase(name.lower(), pattern.lower())


def is_marker(name: str, marker: str) -> bool:
    """Does it only say that another file is whole?"""
    return bool(marker) and name.lower().endswith(marker.lower())


def _markers(name: str, marker: str) -> tuple[str, str]:
    """In small letters."""
    return (f"{name}{marker}".lower(), f"{Path(name).stem}{marker}".lower())


def read(folder: Path, name: str, *, as_seen: Mark, size_max: int) -> Content | Unfit | None:
    """The whole file, once; None when it is gone, or not as it was seen: somebody is at it."""
    path = folder / name
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            return Unfit(name=name, reason="a symbolic link: it may point anywhere", mark=as_seen)
        log.warning("file_unreadable", file=str(path), error=error.strerror)
        return None
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        reason = _unfit(status, size_max)
        if reason:
            return Unfit(name=name, reason=reason, mark=as_seen)
        body = file.read(size_max + 1) if _mark(status) == as_seen else b""
        still = _mark(os.fstat(handle)) == as_seen
    return Content(name=name, body=body, mark=as_seen) if still else None


def _unfit(status: os.stat_result, size_max: int) -> str:
    """Why a file is not read; empty when it is."""
    if not stat.S_ISREG(status.st_mode):
        return "not a regular file"
    return f"{status.st_size} bytes: more than the {size_max} allowed" if status.st_size > size_max else ""


def _mark(status: os.stat_result) -> Mark:
    return Mark(device=status.st_dev, inode=status.st_ino, size=status.st_size, mtime_ns=status.st_mtime_ns)


def places_for(folder: Path, files: Sequence[Content | Unfit], day: str) -> Sequence[tuple[Content | Unfit, str]]:
    """Where each file will lie once it is taken: `done/DAY/NAME`, `failed/NAME`, with a number when that is taken."""
    given: dict[str, Content | Unfit] = {}
    for file in files:
        home = f"{DONE}/{day}" if isinstance(file, Content) else FAILED
        number = 0
        place = f"{home}/{file.name}"
        while place in given or os.path.lexists(folder / place):
            number += 1
            place = f"{home}/{file.name}.{number}"
        given[place] = file
    return [(file, place) for place, file in given.items()]


def put_aside(folder: Path, moves: Sequence[tuple[Content | Unfit, str]], marker: str) -> None:
    """Move what was taken. A file written to since it was read stays: it is read again, whole, when it is quiet."""
    for file, place in moves:
        path = folder / file.name
        if isinstance(file, Content) and look_at(folder, [file.name]).get(file.name) != file.mark:
            continue
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):  # somebody took it away; its bytes are committed
            path.rename(target)
        if marker:
            _forget_markers(folder, _markers(file.name, marker))


def _forget_markers(folder: Path, markers: Collection[str]) -> None:
    for file in folder.iterdir():
        if file.name.lower() in markers:
            file.unlink(missing_ok=True)
