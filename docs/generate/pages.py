"""The index of everything generated: whole pages, and regions inside pages that people write."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from .api import api_page
from .architecture import packages_region
from .connectors import connectors_page, coverage_region
from .coverage import api_region, cli_region, intents_region
from .estate import estate_page, settings_page
from .language import documents_page, facts_page, flows_page
from .people import cli_page, exceptions_page
from .states import intent_region, states_page

DOCS: Final = Path(__file__).parents[1]

PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "reference/settings.md": settings_page,
    "reference/estate.md": estate_page,
    "reference/documents.md": documents_page,
    "reference/facts.md": facts_page,
    "reference/flows.md": flows_page,
    "reference/connectors.md": connectors_page,
    "reference/life-cycles.md": states_page,
    "reference/exceptions.md": exceptions_page,
    "reference/cli.md": cli_page,
    "reference/api.md": api_page,
}
REGIONS: Final[Mapping[tuple[str, str], Callable[[], str]]] = {
    ("coverage.md", "connectors"): coverage_region,
    ("coverage.md", "intents"): intents_region,
    ("coverage.md", "api"): api_region,
    ("coverage.md", "cli"): cli_region,
    ("explanation/architecture.md", "packages"): packages_region,
    ("explanation/life-of-an-intent.md", "intent"): intent_region,
}
"""(page, name) → what stands between `<!-- begin NAME -->` and `<!-- end NAME -->`."""


def texts() -> Iterator[tuple[Path, str]]:
    """Every file that holds something generated, with the text it should have."""
    for name, make in PAGES.items():
        yield DOCS / name, make()
    for name in sorted({page for page, _ in REGIONS}):
        file = DOCS / name
        text = file.read_text(encoding="utf-8")
        for (page, region), make in REGIONS.items():
            if page == name:
                text = _filled(text, region, make(), file)
        yield file, text


def _filled(text: str, region: str, content: str, file: Path) -> str:
    begin, end = f"<!-- begin {region} -->\n", f"<!-- end {region} -->"
    before, opened, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not opened or not closed:
        raise ValueError(f"{file} has no region {region}: write `{begin.strip()}` and `{end}` where it belongs")
    return f"{before}{begin}\n{content}\n\n{end}{after}"
