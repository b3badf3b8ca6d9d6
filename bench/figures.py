"""A measured figure, and how figures are shown."""

import json
import sys
from collections.abc import Sequence
from statistics import median

import msgspec
from rich.console import Console
from rich.table import Table


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a report. Goals are about `ratio` where there is something to compare with, about `ours` elsewhere."""

    id: str
    ours: float
    against: float | None = None
    ratio: float | None = None
    goal: str = ""
    """As people say it; empty: only reported."""
    holds: bool | None = None
    unit: str = ""
    note: str = ""


def compared(
    name: str, ours: Sequence[float], against: Sequence[float], *, goal: float | None, unit: str, note: str
) -> Figure:
    """Medians, and the median of the ratios: each round compares what was measured side by side."""
    ratio = median(one / other for one, other in zip(ours, against, strict=True))
    return Figure(
        id=name,
        ours=round(median(ours), 1),
        against=round(median(against), 1),
        ratio=round(ratio, 2),
        goal="" if goal is None else f">= {goal:g}",
        holds=None if goal is None else ratio >= goal,
        unit=unit,
        note=note,
    )


def below(name: str, value: float, goal: float, *, unit: str, note: str) -> Figure:
    """A figure that must stay below its goal."""
    return Figure(id=name, ours=round(value, 2), goal=f"< {goal:g}", holds=value < goal, unit=unit, note=note)


def show(figures: Sequence[Figure], *, as_json: bool) -> None:
    """The list for machines, a table for people."""
    if as_json:
        sys.stdout.write(json.dumps(msgspec.to_builtins(figures), indent=2) + "\n")
        return
    table = Table("id", "ours", "against", "ratio", "goal", "holds", "unit", "note")
    for each in figures:
        holds = {None: "", True: "[green]yes[/]", False: "[red]no[/]"}[each.holds]
        numbers = (_text(number) for number in (each.ours, each.against, each.ratio))
        table.add_row(each.id, *numbers, each.goal, holds, each.unit, each.note)
    Console().print(table)


def _text(number: float | None) -> str:
    return "" if number is None else f"{number:,.2f}".rstrip("0").rstrip(".")
