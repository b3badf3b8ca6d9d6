"""What rules of the promise may get wrong: names that lead nowhere, rules that never win or never match."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from crossdock.canonical.base import LocationCode
from crossdock.estate.model import Channel, Estate
from crossdock.estate.part import OWN_FLOOR, Part

Problem: TypeAlias = "tuple[tuple[str | int, ...], str, bool]"
"""Where, what, and whether it is only a warning."""
Reference: TypeAlias = "tuple[tuple[str | int, ...], str, str | None]"
"""Where a name stands, what it names, the name."""

SELECTORS: Final[Mapping[str, tuple[str, ...]]] = {
    "safety_stock": ("sku", "category", "location", "group", "mode"),
    "channel_buffers": ("sku", "category", "channel", "mode"),
    "segments": ("sku", "category", "channel"),
    "backorder_limits": ("sku", "category", "pool"),
    "staleness": ("sku", "category", "location", "group"),
    "publish_limits": ("sku", "category", "channel", "mode"),
    "stop_sell": ("sku", "category", "channel", "location", "group", "mode"),
}
"""Lists of rules, and the fields by which each of them chooses."""


def references(estate: Estate) -> Iterator[Reference]:
    """Every name in the rules of the promise that must lead somewhere."""
    groups = [("location_groups", index, group.members) for index, group in enumerate(estate.location_groups)]
    pools = [("pools", index, pool.members) for index, pool in enumerate(estate.pools)]
    for section, index, members in (*groups, *pools):
        for place, code in enumerate(members):
            yield (section, index, "members", place), "location or group", code
    for index, location in enumerate(estate.locations):
        for place, told_by in enumerate(location.told_by):
            if told_by == OWN_FLOOR:
                continue
            yield ("locations", index, "told_by", place), "connection", told_by.partition("/")[0]
    for section, fields in SELECTORS.items():
        for index, rule in enumerate(_rules(estate, section)):
            for noun in ("channel", "location", "group", "pool"):
                if noun in fields:
                    wanted = "pool or channel" if noun == "pool" else noun
                    yield (section, index, noun), wanted, _text(rule, noun)


def problems(estate: Estate) -> Iterator[Problem]:
    """What is wrong, or doubtful, although every name leads somewhere."""
    yield from _groups(estate)
    yield from _pools(estate)
    members = {group.code: frozenset(estate.locations_of(group.members)) for group in estate.location_groups}
    for section, fields in SELECTORS.items():
        rules = [_selector(rule, fields, members) for rule in _rules(estate, section)]
        yield from shadowed(section, rules)
        for index, rule in enumerate(rules):
            if (text := _unmatchable(section, rule, estate)) is not None:
                yield (section, index), text, True
    yield from _unprotected(estate)
    yield from _never_stale(estate)


def _rules(estate: Estate, section: str) -> Sequence[Part]:
    rules: Sequence[Part] = getattr(estate, section)
    return rules


def _text(rule: Part, field: str) -> str | None:
    text: str | None = getattr(rule, field)
    return text


def _groups(estate: Estate) -> Iterator[Problem]:
    locations = {location.code for location in estate.locations}
    inside = {group.code: set(group.members) for group in estate.location_groups}
    for index, group in enumerate(estate.location_groups):
        if group.code in locations:
            text = f'"{group.code}" is a location already: pools could not tell which is meant'
            yield ("location_groups", index, "code"), text, False
        if group.code in _within(group.code, inside):
            yield ("location_groups", index, "members"), f'"{group.code}" is a member of itself', False


def _within(code: str, inside: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [code]
    while waiting:
        for member in inside.get(waiting.pop(), set()) - found:
            found.add(member)
            waiting.append(member)
    return found


def _pools(estate: Estate) -> Iterator[Problem]:
    pools = {pool.code for pool in estate.pools}
    used = {channel.pool for channel in estate.channels if isinstance(channel.pool, str)}
    for index, channel in enumerate(estate.channels):
        if not isinstance(channel.pool, str) and channel.code in pools:
            text = f'lists locations of its own although there is a pool "{channel.code}": write `pool: {channel.code}`'
            yield ("channels", index, "pool"), text, False
    for index, pool in enumerate(estate.pools):
        if pool.code not in used:
            yield ("pools", index), f'no channel uses the pool "{pool.code}"', True


# ------------------------------------------------------------------------------------------ rules that cannot decide


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """What a rule chooses; None matches everything."""

    words: Mapping[str, str | None]
    """Everything but places and categories, by field."""
    category: str | None
    places: frozenset[LocationCode] | None
    windowed: bool
    open_side: bool = False
    """It names one of two numbers only, so it leaves the other one to earlier rules."""


def _selector(rule: Part, fields: Sequence[str], members: Mapping[str, frozenset[LocationCode]]) -> Selector:
    location, group = getattr(rule, "location", None), getattr(rule, "group", None)
    places = None if location is None else frozenset({LocationCode(location)})
    if group is not None:
        inside = members.get(group, frozenset())
        places = inside if places is None else places & inside
    return Selector(
        words={name: _text(rule, name) for name in fields if name not in {"category", "location", "group"}},
        category=_text(rule, "category"),
        places=places,
        windowed=getattr(rule, "since", None) is not None or getattr(rule, "until", None) is not None,
        open_side=hasattr(rule, "minimum") and None in {getattr(rule, "minimum"), getattr(rule, "maximum")},  # noqa: B009
    )


def shadowed(section: str, rules: Sequence[Selector]) -> Iterator[Problem]:
    """Rules that never win, because a later one matches whenever they do."""
    for index, rule in enumerate(rules):
        for later in range(index + 1, len(rules)):
            if _covers(rules[later], rule):
                text = f"never wins: rule {later + 1} of {section} is later and matches everything that this one does"
                yield (section, index), text, True
                break


def _covers(later: Selector, rule: Selector) -> bool:
    return (
        not later.windowed
        and not later.open_side
        and all(wanted in {None, rule.words[name]} for name, wanted in later.words.items())
        and (later.category is None or _below(rule.category, later.category))
        and (later.places is None or (rule.places is not None and rule.places <= later.places))
    )


def _below(category: str | None, above: str) -> bool:
    return category is not None and (category == above or category.startswith(f"{above}."))


def _unmatchable(section: str, rule: Selector, estate: Estate) -> str | None:
    """Why the rule can match nothing; None when it may, or when one of its names leads nowhere anyway."""
    if rule.places is not None and not rule.places:
        return "matches nothing: it names a location that is not in its group, or an empty group"
    channels = [channel for channel in estate.channels if rule.words.get("channel") in {None, channel.code}]
    if not channels or not (rule.places or frozenset()) <= {location.code for location in estate.locations}:
        return None
    if section == "backorder_limits":
        pool = rule.words["pool"]
        if not any(channel.backorder and pool in {None, estate.pool_of(channel).code} for channel in channels):
            return "matches nothing: no channel that it is for says `backorder: true`"
    return _nowhere(rule, channels, estate) or _another_way(rule, channels, estate)


def _nowhere(rule: Selector, channels: Sequence[Channel], estate: Estate) -> str | None:
    if rule.places is None or rule.places & _places_of(channels, estate):
        return None
    if len(rule.places) == 1 and rule.words.get("channel") is None:
        (place,) = rule.places
        return f'has no effect: "{place}" is in no channel\'s pool'
    return "matches nothing: no channel that it is for is served from there"


def _another_way(rule: Selector, channels: Sequence[Channel], estate: Estate) -> str | None:
    mode = rule.words.get("mode")
    places = _places_of(channels, estate) if rule.places is None else rule.places
    if mode is None or any(mode in location.modes for location in estate.locations if location.code in places):
        return None
    if rule.places is not None and len(rule.places) == 1:
        (place,) = rule.places
        return f'matches nothing: "{place}" does not serve {mode}'
    return f"matches nothing: no location serves {mode}"


def _places_of(channels: Iterable[Channel], estate: Estate) -> frozenset[LocationCode]:
    return frozenset(location for channel in channels for location in estate.pool_of(channel).locations)


def _unprotected(estate: Estate) -> Iterator[Problem]:
    """A segment belongs to its pool: channels of another pool with the same locations do not see it."""
    for index, segment in enumerate(estate.segments):
        channel = estate.channel(segment.channel)
        if channel is None:
            continue
        mine = estate.pool_of(channel)
        strangers = [
            other.code
            for other in estate.channels
            if (theirs := estate.pool_of(other)).code != mine.code and set(theirs.locations) & set(mine.locations)
        ]
        if strangers:
            text = (
                f"does not protect against {', '.join(strangers)}: other pools than {mine.code}, with some of its "
                "locations. Give them one pool"
            )
            yield ("segments", index), text, True


def _never_stale(estate: Estate) -> Iterator[Problem]:
    if estate.staleness and not any(location.told_by for location in estate.locations):
        yield ("staleness", 0), "matches nothing: no location says in `told_by` whose silence counts", True
