"""No cell of the generated reference is empty: whatever has a name there has a meaning there."""

import re
from pathlib import Path

import pytest
from docs.generate.meanings import MEANINGS

from docs.markdown_pages import ROOT

PAGES = sorted((ROOT / "docs" / "reference").glob("*.md"))
TODO = (
    "write a docstring below the field (or a description in the API); a name that means the same everywhere goes into "
    "docs/generate/meanings.py; then run `./crossdock docs`"
)


def empty_cells(page: Path) -> list[str]:
    """Heading, row and column of each."""
    found: list[str] = []
    heading = ""
    columns: list[str] = []
    for line in page.read_text(encoding="utf-8").splitlines():
        heading = line if line.startswith("#") else heading
        if not line.startswith("|"):
            columns = []
            continue
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if not columns:
            columns = cells
        found += [
            f"{heading}: {cells[0] or line}, {column or 'a column without a heading'}"
            for column, cell in zip(columns, cells, strict=True)
            if not (cell and column)
        ]
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_cell_is_empty(page: Path) -> None:
    assert empty_cells(page) == [], TODO


def test_an_empty_cell_would_be_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("## Order\n\n| field | meaning |\n|---|---|\n| `a` | Text with \\| in it. |\n| `b` |  |\n")

    assert empty_cells(page) == ["## Order: `b`, meaning"]


@pytest.mark.parametrize("name", MEANINGS)
def test_a_meaning_is_a_sentence_for_people(name: str) -> None:
    assert re.fullmatch(r"[A-Z].*[.?]", MEANINGS[name]), MEANINGS[name]


@pytest.mark.parametrize("name", MEANINGS)
def test_no_meaning_is_kept_for_a_name_that_is_gone(name: str) -> None:
    field = name.rpartition(".")[2]

    assert any(f"| `{field}`" in page.read_text(encoding="utf-8") for page in PAGES), f"{name}: remove it"
