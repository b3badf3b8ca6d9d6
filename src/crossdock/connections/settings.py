"""From the estate's words to usable values: secrets are references there, and values only in memory here."""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from crossdock.connector_kit.model import Setting

FILE: Final = "file:"
SECRET_BYTES_MAX: Final = 64 * 1024
_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class SettingUnusableError(Exception):
    """A connection's setting cannot be resolved. The text names the setting and what to do, never its value."""

    def __init__(self, connection: str, setting: str, problem: str) -> None:
        super().__init__(f'connection "{connection}", setting "{setting}": {problem}')
        self.connection = connection
        self.setting = setting


def resolve(
    connection: str,
    declared: Sequence[Setting],
    given: Mapping[str, str],
    environment: Mapping[str, str] = os.environ,
) -> dict[str, str]:
    """Every declared setting with its value. A secret written out in the estate is refused, so is an unknown name."""
    unknown = sorted(set(given) - {setting.name for setting in declared})
    if unknown:
        known = ", ".join(setting.name for setting in declared) or "none"
        raise SettingUnusableError(connection, unknown[0], f"the connector does not know it (it knows {known})")
    return {setting.name: _value(connection, setting, given.get(setting.name), environment) for setting in declared}


def _value(connection: str, setting: Setting, text: str | None, environment: Mapping[str, str]) -> str:
    if text is None or text == "":
        if setting.default is None:
            raise SettingUnusableError(connection, setting.name, "is required and missing; add it to the estate")
        return setting.default
    if setting.secret and not is_reference(text):
        raise SettingUnusableError(
            connection,
            setting.name,
            "is a secret and must not stand in the estate; write `${ENV_NAME}` or `file:/path` there",
        )
    value = _read(connection, setting.name, text, environment)
    wrong = setting.wrong(value)
    if wrong:  # a secret may be what is wrong: it is not repeated
        raise SettingUnusableError(connection, setting.name, "cannot be used as it is" if setting.secret else wrong)
    return value


def is_reference(text: str) -> bool:
    """Is the whole text `${ENV}` or `file:/path`?"""
    return text.startswith(FILE) or _VARIABLE.fullmatch(text) is not None


def _read(connection: str, setting: str, text: str, environment: Mapping[str, str]) -> str:
    if text.startswith(FILE):
        return _from_file(connection, setting, Path(text.removeprefix(FILE)))

    def from_environment(match: re.Match[str]) -> str:
        value = environment.get(match[1])
        if not value:
            raise SettingUnusableError(connection, setting, f"environment variable {match[1]} is not set")
        return value

    return _VARIABLE.sub(from_environment, text)


def _from_file(connection: str, setting: str, path: Path) -> str:
    try:
        if path.stat().st_size > SECRET_BYTES_MAX:
            raise SettingUnusableError(connection, setting, f"file {path} is larger than {SECRET_BYTES_MAX} bytes")
        value = path.read_text(encoding="utf-8").strip("\r\n")
    except OSError as error:
        raise SettingUnusableError(connection, setting, f"file {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingUnusableError(connection, setting, f"file {path} is not UTF-8 text") from None
    if not value:
        raise SettingUnusableError(connection, setting, f"file {path} is empty")
    return value
