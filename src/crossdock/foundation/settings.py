"""Settings of a process: environment first, no other source. Business configuration lives in the estate."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final


class SettingError(Exception):
    """A setting has a value that cannot be used; the text names the variable and what to put there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every field is the environment variable `CROSSDOCK_<NAME>`; the comment beside it is its documentation."""

    home: Path = Path(".crossdock")
    """Folder for the embedded database, sockets, files and logs."""
    database_url: str = ""
    """The retailer's own PostgreSQL (15 or newer); empty means the embedded one under home."""
    estate: Path = Path("estate")
    """Folder of YAML that describes the retailer."""
    host: str = "127.0.0.1"
    """Address that the HTTP API listens on."""
    port: int = 8040
    """Port that the HTTP API listens on."""
    tls_certificate: Path | None = None
    """Certificate chain file (PEM); with tls_key, the API speaks HTTPS."""
    tls_key: Path | None = None
    """Private key file (PEM) of the certificate."""
    log_level: str = "info"
    """debug, info, warning or error."""
    log_format: str = "auto"
    """json, text, or auto: text on a terminal, json elsewhere."""
    otlp_endpoint: str = ""
    """OpenTelemetry collector (OTLP over HTTP); empty keeps traces inside the database only."""
    pool_size_max: int = 12
    """Database connections of one process."""
    retention_days: int = 400
    """How long messages, facts and dedupe keys are kept."""
    specs: Path | None = None
    """Folder of vendors' own schemas, if you have them: rehearsals then check every request against these."""
    cache: Path = Path("~/.cache/crossdock")
    """Folder for what can be made again: counterpart systems, derived demo data."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read `CROSSDOCK_*`; a value of the wrong type raises SettingError that names the variable."""
        values: dict[str, str | int | Path | None] = {}
        for field in fields(cls):
            variable = f"CROSSDOCK_{field.name.upper()}"
            text = environment.get(variable)
            if text is None or text == "":
                continue
            values[field.name] = _checked(field.name, variable, _parsed(variable, text, str(field.type)))
        return cls(**values)  # type: ignore[arg-type]  # each value was parsed by its field's own type

    @property
    def specs_folder(self) -> Path:
        """Where vendors' schemas are looked for; it need not be there."""
        return SPECS_BESIDE if self.specs is None else self.specs

    @property
    def cache_folder(self) -> Path:
        """The cache with `~` resolved."""
        return self.cache.expanduser()


SPECS_BESIDE: Final = Path("../shared/specs")
"""Beside a checkout, where those who work on it keep them."""
ALLOWED: Final[Mapping[str, tuple[str, ...]]] = {
    "log_level": ("debug", "info", "warning", "error"),
    "log_format": ("auto", "json", "text"),
}
LEAST: Final[Mapping[str, int]] = {"pool_size_max": 2, "retention_days": 1}
"""A retention of no days would drop what has just happened."""


def _checked(name: str, variable: str, value: str | int | Path) -> str | int | Path:
    if name in ALLOWED and value not in ALLOWED[name]:
        raise SettingError(f'{variable} is "{value}" but must be one of {", ".join(ALLOWED[name])}.')
    if isinstance(value, int) and value < LEAST.get(name, 0):
        raise SettingError(f"{variable} is {value} but must be at least {LEAST.get(name, 0)}.")
    return value


def _parsed(variable: str, text: str, kind: str) -> str | int | Path:
    if "int" in kind:
        try:
            return int(text)
        except ValueError:
            raise SettingError(f'{variable} is "{text}" but must be a whole number; correct it or unset it.') from None
    return Path(text) if "Path" in kind else text
