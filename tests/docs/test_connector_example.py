"""The example connector keeps its own promises, and the hub finds it like any other."""

import os
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from crossdock.assembly.registry import GROUP
from crossdock.connector_kit.model import Connector
from docs.markdown_pages import ROOT, Block, blocks_of, pages

EXAMPLE = ROOT / "examples" / "connector"


def test_the_example_passes_its_own_tests() -> None:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{EXAMPLE / 'src'}"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(EXAMPLE / "tests")]

    tested = subprocess.run(command, cwd=ROOT, env=environment, text=True, capture_output=True, check=False)

    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_its_entry_point_leads_to_a_connector(monkeypatch: pytest.MonkeyPatch) -> None:
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ((name, value),) = project["entry-points"][GROUP].items()
    monkeypatch.syspath_prepend(EXAMPLE / "src")

    found = EntryPoint(name=name, value=value, group=GROUP).load()

    assert isinstance(found, Connector)
    assert found.name == name


def excerpts() -> list[Block]:
    """Blocks whose second word is a file of the project."""
    return [
        block
        for page in pages()
        for block in blocks_of(page)
        if len(block.info) > 1 and "/" in block.info[1] and (ROOT / block.info[1]).is_file()
    ]


@pytest.mark.parametrize("block", excerpts(), ids=lambda block: block.place)
def test_an_excerpt_is_what_the_file_says(block: Block) -> None:
    text = (ROOT / block.info[1]).read_text(encoding="utf-8")

    for part in block.text.split("    # …\n"):
        assert part.strip("\n") in text, f"{block.place} is not in {block.info[1]} any more"


def test_there_are_excerpts() -> None:
    assert any(Path(block.info[1]).is_relative_to("examples/connector") for block in excerpts())
