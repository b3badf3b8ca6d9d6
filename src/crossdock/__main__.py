"""`python -m crossdock`, the same as `crossdock`."""

import sys

from crossdock.assembly.matching import NoDirectoryError
from crossdock.assembly.registry import ConnectorError
from crossdock.assembly.sessions import UnknownConnectionError
from crossdock.cli.app import run
from crossdock.cli.output import EXIT_UNUSABLE, CommandError, errors
from crossdock.connections.settings import SettingUnusableError
from crossdock.estate.service import NoEstateError
from crossdock.foundation import log
from crossdock.foundation.db import DatabaseUnusableError
from crossdock.foundation.postgres import PostgresError
from crossdock.foundation.settings import SettingError, Settings
from crossdock.foundation.vault import VaultError

SENTENCES = (
    CommandError,
    ConnectorError,
    DatabaseUnusableError,
    NoDirectoryError,
    NoEstateError,
    PostgresError,
    SettingError,
    SettingUnusableError,
    UnknownConnectionError,
    VaultError,
)
"""Errors whose text is one sentence for people: shown without a traceback."""


def main() -> int:
    """Run the command line; the process's exit code."""
    if not __debug__:
        sys.stderr.write("Crossdock checks itself with assertions and does not run under `python -O`.\n")
        return EXIT_UNUSABLE
    try:
        settings = Settings.from_environment()
        log.configure(settings.log_level, settings.log_format)
        result = run(sys.argv[1:])
    except SENTENCES as error:
        errors.print(str(error), markup=False, style="red", soft_wrap=True)
        return EXIT_UNUSABLE
    except KeyboardInterrupt:
        return 130
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    sys.exit(main())
