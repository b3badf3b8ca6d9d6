"""Matching by rule: same code, then same barcode, then same name. Only one-to-one finds become links."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from crossdock.crossref.model import Ambiguous, Link, MatchPlan, Ours, TheirObject

Keys = Callable[[Ours | TheirObject], Iterable[str]]


def _code(thing: Ours | TheirObject) -> Iterable[str]:
    return (thing.code.strip().casefold(),) if thing.code.strip() else ()


def _barcodes(thing: Ours | TheirObject) -> Iterable[str]:
    """GTINs of different lengths are the same number with leading zeros."""
    return {barcode.strip().lstrip("0") for barcode in thing.barcodes} - {""}


def _name(thing: Ours | TheirObject) -> Iterable[str]:
    name = " ".join(thing.name.casefold().split())
    return (name,) if name else ()


RULES: Sequence[tuple[str, Keys]] = (("rule:code", _code), ("rule:barcode", _barcodes), ("rule:name", _name))


def plan_matches(
    ours: Sequence[Ours], theirs: Sequence[TheirObject], linked: Mapping[str, str], rules: Sequence[str] = ()
) -> MatchPlan:
    """Pair what is not yet in *linked* (ours → theirs). *rules* limits to those names; empty means all.

    A rule pairs two objects when each is the other's only candidate under that rule; more candidates are ambiguous
    and left to people, unless a later rule decides. What a later rule has paired is no candidate any more.
    """
    free_ours = {thing.code: thing for thing in ours if thing.code not in linked}
    taken = set(linked.values())
    free_theirs = {thing.id: thing for thing in theirs if thing.id not in taken}
    links: list[Link] = []
    ambiguous: dict[str, Ambiguous] = {}
    for how, keys in RULES:
        if rules and how.removeprefix("rule:") not in rules:
            continue
        found = _candidates(free_ours.values(), free_theirs.values(), keys)
        wanted_by: defaultdict[str, set[str]] = defaultdict(set)
        for code, ids in found.items():
            for their_id in ids:
                wanted_by[their_id].add(code)
        for code, ids in sorted(found.items()):
            only = next(iter(ids))
            if len(ids) == 1 and len(wanted_by[only]) == 1:
                links.append(Link(ours=code, theirs=only, how=how))
                ambiguous.pop(code, None)
                del free_ours[code], free_theirs[only]
            else:
                ambiguous.setdefault(code, Ambiguous(ours=code, candidates=tuple(sorted(ids)), how=how))
    open_still = {
        code: left for code, each in ambiguous.items() if (left := _without_taken(each, free_theirs)).candidates
    }
    return MatchPlan(
        links=tuple(links),
        ambiguous=tuple(open_still[code] for code in sorted(open_still)),
        unmatched_ours=tuple(thing for code, thing in sorted(free_ours.items()) if code not in open_still),
        unmatched_theirs=tuple(free_theirs[their_id] for their_id in sorted(free_theirs)),
    )


def _without_taken(each: Ambiguous, free: Collection[str]) -> Ambiguous:
    return replace(each, candidates=tuple(candidate for candidate in each.candidates if candidate in free))


def _candidates(ours: Iterable[Ours], theirs: Iterable[TheirObject], keys: Keys) -> dict[str, set[str]]:
    by_key: defaultdict[str, set[str]] = defaultdict(set)
    for their in theirs:
        for key in keys(their):
            by_key[key].add(their.id)
    found = {our.code: {their_id for key in keys(our) for their_id in by_key.get(key, ())} for our in ours}
    return {code: ids for code, ids in found.items() if ids}
