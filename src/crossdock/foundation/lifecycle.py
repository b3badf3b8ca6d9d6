"""Life cycles are tables `(state, fact) → state`: what every such table must obey, and its picture."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import TypeVar

State = TypeVar("State", bound=StrEnum)
Fact = TypeVar("Fact", bound=StrEnum)


def reachable(table: Mapping[tuple[State, Fact], State], starts: Collection[State]) -> set[State]:
    """Every state that facts lead to from *starts*."""
    found = set(starts)
    waiting = list(starts)
    while waiting:
        state = waiting.pop()
        for (source, _), target in table.items():
            if source is state and target not in found:
                found.add(target)
                waiting.append(target)
    return found


def ends(table: Mapping[tuple[State, Fact], State]) -> set[State]:
    """States that no fact leads out of."""
    states = {source for source, _ in table} | set(table.values())
    return {
        state for state in states if all(target is state for (source, _), target in table.items() if source is state)
    }


def diagram(table: Mapping[tuple[State, Fact], State], starts: Collection[State]) -> str:
    """The moves as a Mermaid state diagram; what is absorbed (redelivery, late arrival) moves nothing and is left out."""
    arrows: dict[tuple[State, State], list[str]] = {}
    for (source, fact), target in table.items():
        if source is not target:
            arrows.setdefault((source, target), []).append(fact.value)
    lines = [f"    [*] --> {state.value}" for state in starts]
    lines += [
        f"    {source.value} --> {target.value}: {', '.join(facts)}" for (source, target), facts in arrows.items()
    ]
    lines += [f"    {state.value} --> [*]" for state in sorted(ends(table))]
    return "\n".join(["stateDiagram-v2", *lines, ""])
