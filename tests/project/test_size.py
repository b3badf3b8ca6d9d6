"""Files stay readable at one sitting, functions on one screen."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
SOURCES = sorted((ROOT / "src").rglob("*.py"))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_no_file_and_no_function_is_too_long(source: Path) -> None:
    text = source.read_text()
    lines = text.count("\n")
    assert lines <= MODULE_LINES_MAX, f"{source.name} has {lines} lines: split it by noun"
    for function in functions(ast.parse(text)):
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        assert length <= FUNCTION_LINES_MAX, f"{source.name}: {function.name} has {length} lines: name its parts"
