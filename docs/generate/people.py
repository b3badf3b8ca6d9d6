"""What people meet: exception types, problems of the API, verbs."""

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Iterable
from typing import Final

from crossdock.canonical.facts import FACT_TYPES
from crossdock.cli.app import app
from crossdock.gateway.problems import KINDS, PROBLEM_BASE
from crossdock.operations.remedies import HOLD, REMEDIES, Remedy, remedy_of
from crossdock.operations.rules import matter_of
from crossdock.orders.model import HoldCode
from crossdock.orders.rules import RECHECKED, WAIVABLE

from .markdown import NOTICE, anchor, code, page, table, wrapped
from .source import members_of


def problems_region() -> str:
    """Every problem the API answers with."""
    rows = [(code(name), str(status), title) for name, (status, title) in KINDS.items()]
    return f"`type` is `{PROBLEM_BASE}` and the name.\n\n" + table(("name", "status", "title"), rows)


def cli_page() -> str:
    """Every verb, as `--help` says it."""
    program, sys.argv[0] = sys.argv[0], "crossdock"  # the library names usage lines after the program that runs
    try:
        text = app.generate_docs()
    finally:
        sys.argv[0] = program
    body = text.partition("\n")[2]
    body = re.sub(r"^## Table of Contents\n.*?(?=^\*\*Commands)", "", body, flags=re.MULTILINE | re.DOTALL)
    body = re.sub(r"`: *$", "`", body, flags=re.MULTILINE)
    introduction = (
        "As `crossdock VERB --help` says it. From a checkout, `./crossdock VERB` is the same, after it has set up its environment. "
        "Commands that need the database use the one of the running hub, or start the embedded one for their own time. `--json` "
        "prints one JSON document. Exit codes: 0 done, 1 done and something needs attention, 2 not possible (one sentence says "
        "why and what to do)."
    )
    return f"# Command line\n\n{NOTICE}\n\n{wrapped(introduction)}\n{body.rstrip()}\n"


def exceptions_page() -> str:
    """Type by type: what to repair, what release and dismiss do."""
    return page(
        "Exceptions",
        "Matters that need a person. Each has a type, a subject (the business object), the field where one is to blame, an owner "
        "and a due time by the estate's `ownership` rules (`operations` within 4 hours where no rule matches; `finance` for `currency_foreign`), and the money at "
        "risk where it is known. Repetitions of one matter are counted, not opened again; what settles a matter by itself closes "
        "its exception. How to work them: [Work exceptions](../how-to/work-exceptions.md).",
        table(("type", "opened by", "what to repair", "`release` does", "`dismiss` does"), list(_types())),
        "## Holds of an order",
        "An order that waits for somebody opens an exception of type `order_` and the hold's code. Some holds go by themselves when "
        "their reason is gone (the item is described, the payment arrives); the others wait for a person.",
        table(("hold", "meaning", "goes by itself"), list(_holds())),
    )


def _types() -> Iterable[tuple[str, ...]]:
    openers = dict(_openers())
    for name in sorted({*REMEDIES, *openers}):
        if name != ANY_HOLD:
            yield _row(code(name), openers.get(name, ""), remedy_of(name))
    yield _row("`order_…`, see below", openers[ANY_HOLD], HOLD)


ANY_HOLD: Final = "order_"


def _openers() -> Iterable[tuple[str, str]]:
    """Exception type → the fact that opens it, read from the functions that say so."""
    for kind in FACT_TYPES.values():
        source = textwrap.dedent(inspect.getsource(matter_of.dispatch(kind)))
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.keyword) and node.arg == "type":
                fact = f"[{kind.__struct_config__.tag}](facts.md#{anchor(str(kind.__struct_config__.tag))})"
                yield (str(node.value.value) if isinstance(node.value, ast.Constant) else ANY_HOLD), fact


def _holds() -> Iterable[tuple[str, str, str]]:
    for member in members_of(HoldCode):
        hold = HoldCode(str(member.default))
        by_itself = "yes" if hold in RECHECKED else "no"
        if hold in WAIVABLE:
            by_itself += "; a person may let it go before"
        yield code(hold.value), member.text, by_itself


def _row(name: str, opener: str, remedy: Remedy) -> tuple[str, ...]:
    return (
        name,
        opener or "the hub itself",
        remedy.todo,
        remedy.release or "nothing to release",
        remedy.dismiss or "not possible",
    )
