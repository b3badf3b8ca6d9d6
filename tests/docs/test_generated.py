"""Reference pages and pictures say what the code says."""

import subprocess
import sys

import pytest

from docs.markdown_pages import ROOT, anchors_of

WORDS = (
    # stock and promise (design: vocabulary)
    "on_hand", "unavailable", "held", "allocated", "in_transit", "on_order", "dated", "backordered", "available", "short",
    "reservation", "movement", "safety_stock", "channel_buffer", "segment", "atp", "pool", "sellable",
    # orders
    "order", "fulfilment", "shipment", "channel", "return", "posting",
    # plumbing
    "connector", "connection", "flow", "mapping", "lookup", "fact", "intent", "attempt", "verdict", "exception", "trace",
    "quarantine", "drift", "estate",
)  # fmt: skip


def test_generated_pages_are_what_the_code_says() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "docs.generate", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("word", WORDS)
def test_the_glossary_knows_every_word_of_the_vocabulary(word: str) -> None:
    assert word in anchors_of(ROOT / "docs" / "reference" / "glossary.md")
