"""A bar chart as SVG: no library, no fonts of its own, readable on a light and a dark page."""

from collections.abc import Sequence
from html import escape
from math import log10
from typing import Final, NamedTuple

WIDTH: Final = 760
ROW: Final = 30
LABELS: Final = 300
NUMBERS: Final = 90
TOP: Final = 44
OURS: Final = "#2f7d4f"
OTHERS: Final = "#8a94a3"


class Bar(NamedTuple):
    """One bar; `first` ones are ours."""

    label: str
    value: float
    first: bool = False


def bars(title: str, unit: str, rows: Sequence[Bar]) -> str:
    """Horizontal bars on a logarithmic scale: each tenfold has the same width."""
    highest = max(log10(max(10.0, row.value)) for row in rows)
    room = WIDTH - LABELS - NUMBERS
    height = TOP + ROW * len(rows) + 10
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">',
        "<style>text{font:13px system-ui,sans-serif;fill:#5b6572}.title{font-weight:600;font-size:15px}</style>",
        f'<text class="title" x="0" y="18">{escape(title)}</text>',
        f'<text x="0" y="36">{escape(unit)}, logarithmic</text>',
    ]
    for at, row in enumerate(rows):
        y = TOP + ROW * at
        width = max(2.0, room * log10(max(1.0, row.value)) / highest)
        colour = OURS if row.first else OTHERS
        lines += [
            f'<text x="{LABELS - 10}" y="{y + 17}" text-anchor="end">{escape(row.label)}</text>',
            f'<rect x="{LABELS}" y="{y + 3}" width="{width:.1f}" height="{ROW - 10}" rx="2" fill="{colour}"/>',
            f'<text x="{LABELS + width + 8:.1f}" y="{y + 17}">{row.value:,.0f}</text>',
        ]
    return "\n".join([*lines, "</svg>"]) + "\n"
