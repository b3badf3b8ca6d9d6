"""Every package says what it is for, the change log is open, the licence is there."""

from pathlib import Path

import pytest

from docs.markdown_pages import ROOT, anchors_of

PACKAGES = sorted(folder for folder in (ROOT / "src" / "crossdock").iterdir() if (folder / "__init__.py").exists())
README_LINES_MAX = 20


@pytest.mark.parametrize("package", PACKAGES, ids=lambda folder: folder.name)
def test_every_package_has_a_short_readme(package: Path) -> None:
    readme = package / "README.md"

    assert readme.exists(), f"{package.name}: write ten lines: what it owns, what cannot happen"
    lines = readme.read_text(encoding="utf-8").splitlines()
    assert lines[0] == f"# {package.name}"
    assert len(lines) <= README_LINES_MAX, "what is longer belongs into docs/explanation"


def test_the_change_log_has_an_open_section() -> None:
    assert "unreleased" in anchors_of(ROOT / "CHANGELOG.md")


@pytest.mark.parametrize("heading", ["facts-of-deployment", "ten-rules", "one-worked-change", "verbs"])
def test_contributors_find_facts_rules_and_one_worked_change(heading: str) -> None:
    assert heading in anchors_of(ROOT / "CONTRIBUTING.md")


@pytest.mark.parametrize("record", sorted((ROOT / "docs" / "adr").glob("0*.md")), ids=lambda page: page.name)
def test_every_decision_stands_in_the_index(record: Path) -> None:
    assert f"({record.name})" in (ROOT / "docs" / "adr" / "README.md").read_text(encoding="utf-8")
