"""What people meet: exception types, problems of the API, verbs."""

import re
from collections.abc import Iterable
from typing import Final

from crossdock.cli.app import app
from crossdock.gateway.problems import KINDS, PROBLEM_BASE
from crossdock.operations.remedies import HOLD, REMEDIES, Remedy
from crossdock.orders.model import HoldCode

from .markdown import NOTICE, code, page, table
from .source import members_of

STOCK: Final = ("stock_short", "stock_discrepancy")
"""Types that share one remedy: see the floor."""


def problems_region() -> str:
    """Every problem the API answers with."""
    rows = [(code(name), str(status), title) for name, (status, title) in KINDS.items()]
    return f"`type` is `{PROBLEM_BASE}` and the name.\n\n" + table(("name", "status", "title"), rows)


def cli_page() -> str:
    """Every verb, as `--help` says it."""
    text = app.generate_docs()
    body = text.partition("\n")[2]
    body = re.sub(r"^## Table of Contents\n.*?(?=^\*\*Commands)", "", body, flags=re.MULTILINE | re.DOTALL)
    body = re.sub(r"`: *$", "`", body, flags=re.MULTILINE)
    introduction = (
        "As `crossdock VERB --help` says it. From a checkout, `./crossdock VERB` is the same, after it has set up its environment. "
        "Commands that need the database use the one of the running hub, or start the embedded one for their own time. `--json` "
        "prints one JSON document. Exit codes: 0 done, 1 done and something needs attention, 2 not possible (one sentence says "
        "why and what to do)."
    )
    return f"# Command line\n\n{NOTICE}\n\n{introduction}\n{body.rstrip()}\n"


def exceptions_page() -> str:
    """Type by type: what to repair, what release and dismiss do."""
    return page(
        "Exceptions",
        "Matters that need a person. Each has a type, a subject (the business object), the field where one is to blame, an owner "
        "and a due time by the estate's `ownership` rules (`operations` within 4 hours where no rule matches), and the money at "
        "risk where it is known. Repetitions of one matter are counted, not opened again; what settles a matter by itself closes "
        "its exception. How to work them: [Work exceptions](../how-to/work-exceptions.md).",
        table(("type", "what to repair", "`release` does", "`dismiss` does"), list(_types())),
        "## Holds of an order",
        "An order that waits for somebody opens the exception `order_` and the hold's code.",
        table(("hold", "meaning"), [(code(str(each.default)), each.text) for each in members_of(HoldCode)]),
    )


def _types() -> Iterable[tuple[str, str, str, str]]:
    for name, remedy in REMEDIES.items():
        yield _row(code(name), remedy)
    yield _row("`order_…`, see below", HOLD)


def _row(name: str, remedy: Remedy) -> tuple[str, str, str, str]:
    return name, remedy.todo, remedy.release or "nothing to release", remedy.dismiss or "not possible"
