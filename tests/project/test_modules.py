"""Nothing lies about: every module is used, every package says what it is for."""

import ast
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
PACKAGE = SOURCE / "crossdock"
README_LINES_MAX = 16
TOOLS = {"crossdock.foundation.lifecycle"}
"""Used by the tests and the documentation of life cycles only."""


def modules() -> Mapping[str, Path]:
    return {_name(file): file for file in sorted(PACKAGE.rglob("*.py"))}


def _name(file: Path) -> str:
    parts = file.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def names_in(module: str, text: str) -> Iterator[str]:
    """Every dotted name that a module imports, or names in a text (`crossdock.cli.up:up`: imported when used)."""
    package = module.rpartition(".")[0]
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Import(names=names):
                yield from (each.name for each in names)
            case ast.ImportFrom(module=base, names=names, level=0):
                yield str(base)
                yield from (f"{base}.{each.name}" for each in names)
            case ast.ImportFrom():
                raise AssertionError(f"{package}: relative imports hide where things lie")
            case ast.Constant(value=str(words)) if words.startswith("crossdock."):
                yield words.partition(":")[0]
            case _:
                pass


def entry_points() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    places = [*project["scripts"].values(), *project["entry-points"]["crossdock.connectors"].values()]
    return {place.partition(":")[0] for place in places}


def test_every_module_is_imported_by_another_or_is_an_entry_point() -> None:
    known = modules()
    used = {name for module, file in known.items() for name in names_in(module, file.read_text()) if name != module}
    used |= entry_points() | TOOLS
    idle = [
        module
        for module in known
        if module not in used
        and not module.endswith(".__main__")  # started by `python -m`
        and not any(name.startswith(f"{module}.") for name in used)  # a package whose modules are used
    ]

    assert idle == [], f"nobody imports {', '.join(idle)}: use or delete them"


def test_what_only_tests_use_is_used_by_them() -> None:
    texts = [file.read_text() for folder in ("tests", "docs/generate") for file in (ROOT / folder).rglob("*.py")]

    assert all(any(tool in text for text in texts) for tool in TOOLS)


PACKAGES = sorted(folder for folder in PACKAGE.iterdir() if folder.is_dir() and (folder / "__init__.py").is_file())


@pytest.mark.parametrize("folder", PACKAGES, ids=lambda folder: folder.name)
def test_every_package_says_in_a_few_lines_what_it_owns_and_what_cannot_happen(folder: Path) -> None:
    lines = (folder / "README.md").read_text().splitlines()

    assert lines[0].startswith(f"# {folder.name}")
    assert len(lines) <= README_LINES_MAX, f"{len(lines)} lines: a README is read before the code, not instead of it"
    assert any("annot happen" in line for line in lines)


@pytest.mark.parametrize("name", modules())
def test_every_module_begins_with_its_contract(name: str) -> None:
    assert ast.get_docstring(ast.parse(modules()[name].read_text())), f"{name}: say in one sentence what it is"


def test_no_test_is_skipped_for_ever() -> None:
    marks = ("pytest.mark.skip(", "pytest.mark.skip\n", "pytest.mark.xfail")
    asleep = [
        str(file.relative_to(ROOT))
        for file in (ROOT / "tests").rglob("test_*.py")
        if file != Path(__file__) and any(mark in file.read_text() for mark in marks)
    ]

    assert asleep == []
