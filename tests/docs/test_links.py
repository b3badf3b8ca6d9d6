"""Whoever follows a link arrives."""

import re
from pathlib import Path

import pytest

from docs.markdown_pages import ROOT, anchors_of, links_of, pages, prose_of

LINE_MAX = 120
PATH = re.compile(r"`((?:tests|src|examples|docs|requirements)/[\w./-]+)`")
OTHERS = ("src", "docs/adr", "docs/operating", "CHANGELOG.md")
"""Pages whose lines were broken by other hands."""
OURS = [page for page in pages() if not any(page.is_relative_to(ROOT / other) for other in OTHERS)]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading_that_exist(page: Path) -> None:
    for target in links_of(page):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, fragment = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), f"{page.relative_to(ROOT)} links to {target}, which is not there"
        if fragment:
            assert fragment in anchors_of(file), f"{page.relative_to(ROOT)} links to {target}: no such heading"


@pytest.mark.parametrize("page", OURS, ids=lambda page: str(page.relative_to(ROOT)))
def test_prose_keeps_to_a_line_length_that_can_be_read_in_a_terminal(page: Path) -> None:
    long = [line for line in prose_of(page).splitlines() if len(line) > LINE_MAX and line[:1] not in {"|", "<", "*"}]
    assert not long, f"{page.relative_to(ROOT)}: {long[0][:80]}…"


def test_every_page_of_the_docs_can_be_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        for target in links_of(page):
            file = (page.parent / target.partition("#")[0]).resolve()
            if file.suffix == ".md" and file.exists():
                waiting.append(file)

    lost = [page for page in (ROOT / "docs").rglob("*.md") if page not in reached]

    assert not lost, (
        f"nobody finds {', '.join(str(page.relative_to(ROOT)) for page in lost)}: link it from docs/README.md"
    )


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_of_the_project_that_a_page_names_is_there(page: Path) -> None:
    for name in PATH.findall(prose_of(page)):
        assert (ROOT / name).exists(), f"{page.relative_to(ROOT)} names {name}"
