"""Times that no reader could hold are read as the nearest one that makes sense.

A database can hold years that Python cannot, and `infinity`. The hub refuses such times where they come in; one that lies
there all the same (other hands, a release before this one) must not break every look at its neighbours.
"""

from datetime import UTC, datetime
from typing import ClassVar, Final

import psycopg
from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import Loader
from psycopg.pq import Format

FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LAST: Final = datetime(2199, 12, 31, 23, 59, 59, tzinfo=UTC)
_SIGN: Final = 0x80


class _Bounded(Loader):
    """The driver's own loader, and an answer where it has none."""

    format = Format.BINARY
    first: ClassVar[object]
    last: ClassVar[object]

    def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
        super().__init__(oid, context)
        self._load = _LOADERS[oid](oid, context).load

    def load(self, data: Buffer) -> object:
        try:
            return self._load(data)
        except psycopg.DataError:
            return self.first if bytes(data)[0] & _SIGN else self.last


class _Moment(_Bounded):
    first, last = FIRST, LAST


class _Day(_Bounded):
    first, last = FIRST.date(), LAST.date()


_TYPES: Final = {psycopg.adapters.types[name].oid: kind for name, kind in (("timestamptz", _Moment), ("date", _Day))}
_LOADERS: Final = {
    oid: loader for oid in _TYPES if (loader := psycopg.adapters.get_loader(oid, Format.BINARY)) is not None
}


def bound_times() -> None:
    """For every connection made from now on."""
    for oid, kind in _TYPES.items():
        psycopg.adapters.register_loader(oid, kind)
