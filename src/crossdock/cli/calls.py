"""Calls to another system while somebody waits at the terminal: a failure is one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager

from crossdock.cli.output import CommandError
from crossdock.connector_kit.record import Undecodable
from crossdock.connector_kit.verdict import CallFailed, LookupMissing, Unmatched


@contextmanager
def calling(connection: str) -> Iterator[None]:
    """What goes wrong with *connection* inside becomes a CommandError."""
    try:
        yield
    except CallFailed as failure:
        raise CommandError(
            f"{connection} did not do it: {failure.reason}. Run `crossdock connection check {connection}`."
        ) from failure
    except Undecodable as error:
        raise CommandError(f"{connection} answered what nobody here understands, at {error}.") from error
    except LookupMissing as error:
        raise CommandError(f"{connection}: {error}. Add it to the connection's lookups in the estate.") from error
    except Unmatched as error:
        raise CommandError(f"{connection}: {error}. Run `crossdock match {connection}`.") from error
