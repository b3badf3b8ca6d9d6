"""Blocks that show data, configuration or Python hold what they promise.

Marks behind the fence: `pycon` is a doctest; `yaml estate` fits the estate's types; `json DOCUMENT` and `jsonl DOCUMENT`
decode as that document. `sh run` of the quick start is in test_quick_start, excerpts of files in test_connector_example.
"""

import doctest
from pathlib import Path

import msgspec
import pytest

from crossdock.assembly.registry import connectors
from crossdock.canonical.base import Document
from crossdock.canonical.schemas import DOCUMENTS
from crossdock.estate.files import read_folder
from crossdock.estate.schema import shape_complaints
from crossdock.estate.service import check
from docs.markdown_pages import ROOT, Block, blocks_of, marked, pages

COMPANY = "company: {name: Somebody, currency: EUR}\n"


def test_the_example_estate_is_sound() -> None:
    checked = check(ROOT / "examples" / "estate", connectors())

    assert checked.estate is not None
    assert not checked.complaints


@pytest.mark.parametrize("block", marked("yaml", "estate"), ids=lambda block: block.place)
def test_yaml_shown_for_the_estate_fits_it(block: Block, tmp_path: Path) -> None:
    (tmp_path / "shown.yaml").write_text(block.text, encoding="utf-8")
    if "company:" not in block.text:
        (tmp_path / "company.yaml").write_text(COMPANY, encoding="utf-8")

    folder = read_folder(tmp_path)

    assert not folder.complaints
    assert not [str(complaint) for complaint in shape_complaints(folder)]


def documents_shown() -> list[tuple[Block, type[Document]]]:
    blocks = [block for page in pages() for block in blocks_of(page) if len(block.info) > 1]
    return [
        (block, DOCUMENTS[block.info[1]])
        for block in blocks
        if block.info[0] in {"json", "jsonl"} and block.info[1] in DOCUMENTS
    ]


@pytest.mark.parametrize(("block", "kind"), documents_shown(), ids=lambda each: getattr(each, "place", ""))
def test_documents_shown_can_be_decoded(block: Block, kind: type[Document]) -> None:
    texts = block.text.splitlines() if block.info[0] == "jsonl" else [block.text]
    for text in texts:
        if '"trailer"' not in text:
            msgspec.json.decode(text, type=kind)


@pytest.mark.parametrize(
    "page", [page for page in pages() if any(block.info[:1] == ("pycon",) for block in blocks_of(page))]
)
def test_sessions_on_a_page_print_what_they_show(page: Path) -> None:
    names: dict[str, object] = {}
    runner = doctest.DocTestRunner()
    for block in blocks_of(page):
        if block.info[:1] == ("pycon",):
            runner.run(doctest.DocTestParser().get_doctest(block.text, names, block.place, str(page), block.line))

    assert runner.summarize().failed == 0
