"""The project's Markdown as tests look at it: pages, headings, links, code blocks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(?P<text>.+?) *$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced code block. `info` holds the words behind the fence: language first, then marks for tests."""

    page: Path
    line: int
    info: tuple[str, ...]
    text: str

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@cache
def pages() -> tuple[Path, ...]:
    """Every page that people read."""
    found = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    found += sorted((ROOT / "docs").rglob("*.md"))
    found += sorted((ROOT / "examples").rglob("*.md"))
    found += sorted((ROOT / "src").rglob("README.md"))
    return tuple(found)


@cache
def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@cache
def blocks_of(page: Path) -> tuple[Block, ...]:
    text = text_of(page)
    return tuple(
        Block(
            page=page,
            line=text.count("\n", 0, found.start()) + 1,
            info=tuple(found["info"].split()),
            text="".join(line.removeprefix(found["indent"]) for line in found["body"].splitlines(keepends=True)),
        )
        for found in FENCE.finditer(text)
    )


def prose_of(page: Path) -> str:
    """The page without its code blocks."""
    return FENCE.sub("", text_of(page))


def links_of(page: Path) -> Iterator[str]:
    return (found["target"] for found in LINK.finditer(prose_of(page)))


@cache
def anchors_of(page: Path) -> frozenset[str]:
    return frozenset(anchor(found["text"]) for found in HEADING.finditer(prose_of(page)))


def anchor(heading: str) -> str:
    """The fragment that hosting sites make of a heading."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
    kept = "".join(sign for sign in plain.lower() if sign.isalnum() or sign in "-_ ")
    return kept.strip().replace(" ", "-")


def marked(*marks: str) -> list[Block]:
    """All blocks whose words behind the fence contain *marks*."""
    return [block for page in pages() for block in blocks_of(page) if set(marks) <= set(block.info)]
