"""Life cycles as pictures: every table `(state, what happens) → state` in a `states` module, drawn."""

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from types import ModuleType

import crossdock

from .markdown import page
from .source import about


def states_page() -> str:
    """One diagram per table, with what stays where it is listed below."""
    return page(
        "Life cycles",
        "Drawn from the tables in each package's `states.py`. An arrow is a row of the table; what is not drawn cannot happen and "
        "is handed to a person when another system says it did. Rows that change nothing (repetitions, late news) are listed below "
        "each picture.",
        *(part for module in _modules() for part in _drawn(module)),
    )


def _modules() -> Iterator[ModuleType]:
    found = (each.name for each in pkgutil.walk_packages(crossdock.__path__, "crossdock.") if each.ispkg)
    for package in sorted(found):
        name = f"{package}.states"
        if importlib.util.find_spec(name) is not None:
            yield importlib.import_module(name)


def _drawn(module: ModuleType) -> Iterable[str]:
    package = ", ".join(module.__name__.split(".")[1:-1])
    yield f"## {package}\n\n{about(module)}"
    for name, table in vars(module).items():
        if _is_table(table):
            yield from _diagram(name, table)


def _is_table(value: object) -> bool:
    if not isinstance(value, Mapping) or not value:
        return False
    key, then = next(iter(value.items()))
    return isinstance(key, tuple) and all(isinstance(part, Enum) for part in (*key, then))


def _diagram(name: str, table: Mapping[tuple[Enum, Enum], Enum]) -> Iterable[str]:
    states = dict.fromkeys(state for (before, _), then in table.items() for state in (before, then))
    if len(states) < 2:  # noqa: PLR2004 (nothing to draw)
        return
    arrows: dict[tuple[Enum, Enum], list[str]] = {}
    stays: dict[Enum, list[str]] = {}
    for (before, event), then in table.items():
        if before is then:
            stays.setdefault(before, []).append(str(event.value))
        else:
            arrows.setdefault((before, then), []).append(str(event.value))
    first = next(iter(states))
    lines = ["```mermaid", "stateDiagram-v2", f"  [*] --> {first.value}"]
    lines += [f"  {before.value} --> {then.value}: {', '.join(events)}" for (before, then), events in arrows.items()]
    ends = [state for state in states if all(before is not state for before, _ in arrows)]
    lines += [f"  {state.value} --> [*]" for state in ends]
    yield "\n".join([*lines, "```"])
    if stays:
        yield (
            f"Changes nothing ({name}): "
            + "; ".join(f"*{state.value}* {', '.join(events)}" for state, events in stays.items())
            + "."
        )


def intent_region() -> str:
    """The intent's picture alone."""
    return next(iter(_diagram("TABLE", importlib.import_module("crossdock.outbound.states").TABLE)))
