"""Tryton's own Python environment: GPL software, installed apart from the hub and never imported by it."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeAlias

from crossdock.simulation.erp.errors import ErpError
from crossdock.simulation.erp.progress import Progress, Report, Step

_MODULES: Final = (
    "company", "party", "currency", "country", "product", "sale", "stock", "account", "account_product",
    "account_invoice", "account_invoice_stock", "web_shop",
)  # fmt: skip
_MODULES_IN_ALL: Final = 16
"""With `ir`, `res` and what the others depend on."""
_STAMP: Final = ".complete"
_WORDS: Final = 300


@dataclass(frozen=True, slots=True)
class Environment:
    """An installed Tryton."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def gunicorn(self) -> Path:
        return self.folder / "bin" / "gunicorn"

    @property
    def admin(self) -> Path:
        return self.folder / "bin" / "trytond-admin"


def requirements() -> str:
    """The locked packages, with hashes."""
    return resources.files("crossdock.simulation.erp").joinpath("requirements.txt").read_text()


def version_key() -> str:
    """Names the cache folder: other packages or another Python make another one."""
    said = f"{requirements()}\n{sys.version_info[:2]}\n{sys.platform}\n{','.join(_MODULES)}"
    return "tryton-8.0-" + hashlib.sha256(said.encode()).hexdigest()[:12]


def installed(folder: Path) -> bool:
    """Complete, not merely begun."""
    return (folder / _STAMP).exists()


def install(folder: Path, report: Report) -> Environment:
    """Make the environment in *folder* unless it stands there complete; what an interrupted run left is made anew."""
    made = Environment(folder)
    if installed(folder):
        return made
    shutil.rmtree(folder, ignore_errors=True)
    report(Progress(Step.ENVIRONMENT, 0, 1))
    _run([sys.executable, "-m", "venv", str(folder)], _no_venv)
    report(Progress(Step.ENVIRONMENT, 1, 1))
    locked = folder / "requirements.txt"
    locked.write_text(requirements())
    total = sum(1 for line in requirements().splitlines() if "==" in line)
    command = [
        str(made.python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off",
        "--require-hashes", "--only-binary", ":all:", "-r", str(locked),
    ]  # fmt: skip
    done = 0
    with _lines(command, _no_packages) as lines:
        for line in lines:
            done += line.startswith("Collecting ")
            report(Progress(Step.PACKAGES, min(done, total - 1), total))
    report(Progress(Step.PACKAGES, total, total))
    (folder / _STAMP).touch()
    return made


def set_up(environment: Environment, config: Path, database: str, password: str, report: Report) -> None:
    """Activate the modules in an empty database: about forty seconds, once per machine."""
    secret = config.with_name("password")
    secret.touch(mode=0o600)
    secret.write_text(password)
    command = [
        str(environment.admin), "-v", "-c", str(config), "-d", database, "-u", "ir", *_MODULES,
        "--activate-dependencies", "--email", "admin@example.com", "--password",
    ]  # fmt: skip
    seen: set[str] = set()
    with _lines(command, _no_modules, {"TRYTONPASSFILE": str(secret)}) as lines:
        for line in lines:
            words = line.split()
            if "trytond.modules" in words and "load" in words:
                seen.add(words[words.index("trytond.modules") + 1])
                report(Progress(Step.MODULES, min(len(seen), _MODULES_IN_ALL - 1), _MODULES_IN_ALL))
    report(Progress(Step.MODULES, _MODULES_IN_ALL, _MODULES_IN_ALL))


def plain_environment() -> dict[str, str]:
    """Ours without variables that would redirect Python, PostgreSQL or Tryton."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PG", "PYTHON", "TRYTON", "VIRTUAL_ENV", "GUNICORN"))
    }
    return {**kept, "LC_ALL": "C.UTF-8", "TZ": "UTC"}


Explain: TypeAlias = Callable[[str], str]
"""From a program's last words to one sentence for people."""


def _run(command: list[str], explain: Explain) -> None:
    with _lines(command, explain) as lines:
        for _ in lines:
            pass


@contextmanager
def _lines(
    command: list[str], explain: Explain, extra: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Iterator[str]]:
    """What a program says, line by line; ErpError when it fails, and no program is left behind."""
    last: deque[str] = deque(maxlen=_WORDS)
    with subprocess.Popen(  # noqa: S603 (the command is ours)
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**plain_environment(), **extra}, text=True, errors="replace",
    ) as program:  # fmt: skip
        assert program.stdout is not None
        try:
            yield _remembered(program.stdout, last)
        except BaseException:
            program.kill()
            raise
    if program.returncode != 0:
        raise ErpError(explain("".join(last)))


def _remembered(lines: Iterable[str], last: deque[str]) -> Iterator[str]:
    for line in lines:
        last.append(line)
        yield line


def _no_venv(said: str) -> str:
    if "ensurepip" in said:
        version = ".".join(str(part) for part in sys.version_info[:2])
        return f"Python cannot make virtual environments here: install python3-venv (Debian: python{version}-venv)."
    return f"Python could not make a virtual environment ({_last_words(said)}): check the cache folder and its disk."


def _no_packages(said: str) -> str:
    if "No space left" in said:
        return "The disk is full while installing Tryton: free about 300 MB and start again."
    if "NewConnectionError" in said or "Could not find a version" in said or "No matching distribution" in said:
        return (
            f"Tryton's packages cannot be fetched ({_last_words(said)}): check the network and pip's own configuration, "
            "then start again."
        )
    return f"Tryton could not be installed ({_last_words(said)}): remove the cache folder and start again."


def _no_modules(said: str) -> str:
    return f"Tryton could not set up its database ({_last_words(said)}): remove the cache folder and start again."


def _last_words(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or ["it said nothing"])[-1][:200].rstrip(".")
