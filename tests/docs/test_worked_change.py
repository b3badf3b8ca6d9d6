"""The change that CONTRIBUTING shows can be made as it stands, and its test passes."""

import subprocess
import sys
from pathlib import Path
from shutil import copytree, ignore_patterns

from docs.markdown_pages import ROOT, blocks_of


def test_the_worked_change_applies_and_its_test_passes(tmp_path: Path) -> None:
    (block,) = (block for block in blocks_of(ROOT / "CONTRIBUTING.md") if block.info[:1] == ("diff",))
    copytree(ROOT / "src", tmp_path / "src", ignore=ignore_patterns("__pycache__", "*.egg-info"))
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = src\n", encoding="utf-8")

    applied = subprocess.run(
        ["git", "apply", "-"], cwd=tmp_path, input=block.text, text=True, capture_output=True, check=False
    )
    assert applied.returncode == 0, f"make the diff in CONTRIBUTING.md anew: {applied.stderr}"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    tested = subprocess.run(command, cwd=tmp_path, text=True, capture_output=True, check=False)

    assert tested.returncode == 0, tested.stdout + tested.stderr
