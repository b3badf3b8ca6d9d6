"""Small pieces of Markdown."""

from collections.abc import Iterable, Sequence
from textwrap import fill
from typing import Final

LINE: Final = 120
NOTICE: Final = "<!-- Written by `./crossdock docs` from the code. Do not edit: change the code and run it again. -->"


def page(title: str, introduction: str, *parts: str) -> str:
    """A whole generated page."""
    return "\n\n".join([f"# {title}", NOTICE, wrapped(introduction), *(wrapped(part) for part in parts)]) + "\n"


def wrapped(text: str) -> str:
    """Paragraphs brought to the line length; tables, headings and code stay as they are."""
    return "\n\n".join(
        paragraph
        if paragraph.startswith(("#", "|", "```", "<!--", "- "))
        else fill(paragraph, LINE, break_long_words=False)
        for paragraph in text.split("\n\n")
    )


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; bars in cells are escaped."""
    lines = [_row(headings), "|" + "---|" * len(headings)]
    lines += [_row([cell.replace("|", "\\|") for cell in row]) for row in rows]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def code(text: str) -> str:
    """As code, in one line; nothing stays nothing."""
    return f"`{text}`" if text else ""


def anchor(heading: str) -> str:
    """The fragment by which a heading is linked to."""
    kept = "".join(sign for sign in heading.lower() if sign.isalnum() or sign in "-_ ")
    return kept.strip().replace(" ", "-")
