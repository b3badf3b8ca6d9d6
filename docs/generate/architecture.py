"""The picture of the packages, drawn from the import contract that is checked on every test run."""

import importlib
import pkgutil
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import crossdock

from .markdown import code, table
from .source import about

ROOT: Final = Path(__file__).parents[2]
CONTRACT: Final = "Packages depend downwards only; every package has a place"


def packages_region() -> str:
    """Layers top to bottom, and what each package is for."""
    layers = list(_layers())
    lines = ["```mermaid", "flowchart TB"]
    for number, packages in enumerate(layers):
        lines.append(f'  L{number}["{" · ".join(packages)}"]')
    lines += [f"  L{number} --> L{number + 1}" for number in range(len(layers) - 1)]
    rows = [(_linked(package), _purpose(package)) for packages in layers for package in packages]
    return "\n".join([*lines, "```"]) + "\n\n" + table(("package", "what it is for"), rows)


def _layers() -> Iterable[list[str]]:
    """The contract's layers, without packages that do not exist yet."""
    existing = {each.name for each in pkgutil.iter_modules(crossdock.__path__) if each.ispkg}
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    (contract,) = (each for each in linter["contracts"] if each["name"] == CONTRACT)
    for layer in contract["layers"]:
        packages = [name.strip(" ()") for name in layer.split("|")]
        if found := [name for name in packages if name in existing]:
            yield found


def _linked(package: str) -> str:
    readme = ROOT / "src" / "crossdock" / package / "README.md"
    return f"[{package}](../../{readme.relative_to(ROOT)})" if readme.exists() else code(package)


def _purpose(package: str) -> str:
    return about(importlib.import_module(f"crossdock.{package}")).partition("\n\n")[0]
