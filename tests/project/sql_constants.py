"""The SQL of the project, found in its modules: every constant annotated LiteralString."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ROOT / "src" / "crossdock"


@dataclass(frozen=True)
class Sql:
    package: str
    module: Path
    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.module.relative_to(PACKAGES)}:{self.name}"


def sql_constants() -> Iterator[Sql]:
    for module in sorted(PACKAGES.rglob("*.py")):
        for node in ast.parse(module.read_text()).body:
            if (
                isinstance(node, ast.AnnAssign)
                and "LiteralString" in ast.unparse(node.annotation)
                and isinstance(node.target, ast.Name)
                and isinstance(node.value, ast.Constant)
                and isinstance(node.value.value, str)
            ):
                package = module.relative_to(PACKAGES).parts[0]
                yield Sql(package, module, node.target.id, node.value.value)
