"""Findings as people and machines read them: what was looked at, whether it is well, what to do."""

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from crossdock.cli.output import EXIT_FINDINGS, console, print_json, say
from crossdock.connector_kit.model import Finding


def show_findings(findings: Sequence[Finding], *, as_json: bool, fine: str) -> int:
    """One line each; the exit code: findings when any is not ok. *fine* is the last word when all are."""
    bad = [finding for finding in findings if not finding.ok]
    if as_json:
        print_json(
            [{"subject": each.subject, "ok": each.ok, "text": each.text, "todo": each.todo} for each in findings]
        )
        return EXIT_FINDINGS if bad else 0
    table = Table(box=None, pad_edge=False, show_header=False)
    for each in findings:
        todo = f" {each.todo}" if each.todo else ""
        mark = "[green]ok[/green]" if each.ok else "[bold red]NOT OK[/bold red]"
        table.add_row(mark, escape(each.subject), escape(f"{each.text}{'.' if todo and each.text else ''}{todo}"))
    console.print(table)
    if not bad:
        say(fine)
    elif len(findings) > 1:
        say(f"{len(bad)} of {len(findings)} need attention.", "red")
    return EXIT_FINDINGS if bad else 0
