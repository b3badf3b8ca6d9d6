"""One number as a tree: every term under the one that it is part of, with its rule, its age and what set it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from rich.markup import escape
from rich.tree import Tree

from crossdock.availability.model import (
    Arrival,
    Availability,
    Cause,
    Explanation,
    LocationTerm,
    Rule,
    SegmentTerm,
    Told,
)
from crossdock.availability.switches.model import Switch
from crossdock.cli.output import age, console, shown
from crossdock.inventory.causes.model import SetBy


def print_tree(found: Explanation, now: datetime) -> None:
    """For people; machines ask for JSON."""
    answer = found.availability
    told = "" if answer.published is None else f", it is told {shown(answer.published)}"
    top = f"{answer.sku} on {answer.channel} by {answer.mode}: {_number(answer)} may be sold{told}"
    tree = Tree(f"[bold]{escape(top)}[/bold]")
    if answer.as_of != now:
        then = f"estate version {found.estate_version}" if found.estate_version else "no estate was applied yet"
        _add(tree, f"as it was known at {shown(answer.as_of)}, {then}")
    for cause in answer.causes:
        _add(tree, f"because: {_because(cause)}", style="yellow")
    for switch in found.switches:
        _add(tree, f"stopped: {_stop(switch)}", style="yellow")
    _terms(tree, answer, found.set_by, now)
    _told(tree, found.told, now)
    console.print(tree, soft_wrap=True)


def _add(tree: Tree, text: str, *, style: str = "") -> Tree:
    return tree.add(f"[{style}]{escape(text)}[/{style}]" if style else escape(text))


def _number(answer: Availability) -> str:
    return shown(answer.sellable) if answer.tracked else "any number"


def _terms(tree: Tree, answer: Availability, set_by: Sequence[SetBy], now: datetime) -> None:
    if not answer.tracked:
        _add(tree, "nobody counts it: it has no number")
        return
    if answer.kit:
        _components(tree, answer, set_by, now)
    else:
        _pool(tree, answer, set_by, now)
        _segments(tree, answer)
    _add(tree, f"channel buffer {shown(answer.channel_buffer)}{_rule(answer.buffer_rule)}")
    formula = "kits - buffer" if answer.kit else "min(pool, own segment + free) - buffer"
    _add(tree, f"physical {shown(answer.physical)} = {formula}")
    if answer.backorder_limit or answer.backorder:
        limit = f"limit {shown(answer.backorder_limit)}{_rule(answer.backorder_rule)} - what is owed already"
        _add(tree, f"without goods {shown(answer.backorder)} = {limit}")
    _add(tree, f"sellable {shown(answer.sellable)} = physical + without goods")
    if answer.publish_min is not None:
        _add(tree, f"told nothing below {shown(answer.publish_min)}{_rule(answer.publish_min_rule)}")
    if answer.publish_max is not None:
        where = _rule(answer.publish_max_rule) or " (publish_max of the channel)"
        _add(tree, f"told at most {shown(answer.publish_max)}{where}")


def _components(tree: Tree, answer: Availability, set_by: Sequence[SetBy], now: datetime) -> None:
    kits = _add(tree, f"kits {shown(answer.pool)} = the fewest that a component is enough for")
    for term in answer.components:
        part = term.availability
        each = f"{part.sku}: {shown(part.sellable)} may be sold, a kit takes {shown(term.quantity)}"
        _terms(_add(kits, each), part, set_by, now)


def _pool(tree: Tree, answer: Availability, set_by: Sequence[SetBy], now: datetime) -> None:
    atps = sum((term.atp for term in answer.locations), Decimal(0))
    said = f"locations {shown(atps)} + incoming {shown(answer.incoming)} - unplaced {shown(answer.unplaced)}"
    pool = _add(tree, f"pool {shown(answer.pool)} = {said}")
    if not answer.locations:
        _add(pool, "no location serves this channel")
    for term in answer.locations:
        rows = {row.term: row for row in set_by if row.sku == answer.sku and row.location == term.location}
        _location(pool, term, rows, now)
    for arrival in answer.arrivals:
        _add(pool, _arrival(arrival, answer.incoming_until))


def _location(tree: Tree, term: LocationTerm, rows: Mapping[str, SetBy], now: datetime) -> None:
    if not term.eligible or term.changed_at is None:
        why = "" if term.cause is None else _because(term.cause)
        _add(tree, f"{term.location} 0: {why}")
        return
    kept = f"safety stock {shown(term.safety_stock)}{_rule(term.safety_rule)}"
    if term.staleness_allowance:
        silent = "" if term.heard_at is None else f", silent for {age(now - term.heard_at)}"
        kept += f" - staleness {shown(term.staleness_allowance)}{_rule(term.staleness_rule)}{silent}"
    why = "" if term.cause is None else f": {_because(term.cause)}"
    said = f"{term.location} {shown(term.atp)} = available {shown(term.available)} - {kept}{why}"
    place = _add(tree, f"{said}, known for {age(now - term.changed_at)}")
    balances = [("on hand", "on_hand", term.on_hand)]
    balances += [(f"- {bucket.replace('_', ' ')}", bucket, units) for bucket, units in term.unavailable.items()]
    balances += [("- allocated", "allocated", term.allocated), ("- held", "held", term.held)]
    for name, balance, units in balances:
        _add(place, f"{name} {shown(units)}{_set_by(rows.get(balance), now)}")
    others = [(name.replace("_", " "), name, units) for name, units in _expectations(term) if units]
    for name, balance, units in others:
        _add(place, f"{name} {shown(units)}{_set_by(rows.get(balance), now)}")
    if term.short:
        _add(place, f"short {shown(term.short)}")


def _expectations(term: LocationTerm) -> Iterable[tuple[str, Decimal]]:
    """What is no part of the goods in hand."""
    return (
        ("backordered", term.backordered),
        ("on_order", term.on_order),
        ("in_transit", term.in_transit),
        ("dated", term.dated),
    )


def _set_by(row: SetBy | None, now: datetime) -> str:
    if row is None:
        return ""
    why = f" ({row.reason})" if row.reason else ""
    return f", last by {row.kind} of {shown(row.quantity)}{why} from {row.source}, {row.key}, {age(now - row.happened_at)} ago"


def _arrival(arrival: Arrival, until: datetime | None) -> str:
    if arrival.quantity < 0:
        return f"promised from {arrival.location} for {shown(arrival.due_at)}: {shown(-arrival.quantity)}"
    told = " (overdue: not counted)" if arrival.overdue else ""
    if not told and until is not None and arrival.due_at > until:
        told = " (beyond the horizon: only for later promises)"
    what = f"{arrival.reference} " if arrival.reference else ""
    return f"expected {what}at {arrival.location} on {shown(arrival.due_at)}: {shown(arrival.quantity)}{told}"


def _segments(tree: Tree, answer: Availability) -> None:
    if not answer.segments:
        return
    said = f"free {shown(answer.free)} = pool - kept {shown(answer.kept)}; own segment {shown(answer.own_segment)}"
    free = _add(tree, said)
    for term in answer.segments:
        _add(free, _segment(term))


def _segment(term: SegmentTerm) -> str:
    left = f"size {shown(term.size)} - used {shown(term.used)}"
    return f"kept for {term.channel} {shown(term.remaining)} = {left}{_rule(term.rule)}"


def _told(tree: Tree, told: Told, now: datetime) -> None:
    if told.announced is None:
        _add(tree, "the channel has not been told anything yet")
        return
    since = f"since {shown(told.announced.decided_at)}, version {told.announced.version}"
    said = _add(tree, f"told {shown(told.announced.quantity)} {since} ({age(now - told.announced.decided_at)} ago)")
    if told.confirmed is None:
        _add(said, "it had not confirmed any number by then", style="yellow")
    else:
        older = ", an older number" if told.confirmed.version < told.announced.version else ""
        confirmed = f"{shown(told.confirmed.quantity)} at {shown(told.confirmed.confirmed_at)}{older}"
        _add(said, f"it had last confirmed {confirmed}")
    if told.answered is None:
        _add(said, "it has not confirmed this number yet", style="yellow")
    else:
        newer = "" if told.answered.version == told.announced.version else ", by then a newer one"
        wait = age(told.answered.confirmed_at - told.announced.decided_at)
        _add(said, f"confirmed at {shown(told.answered.confirmed_at)}, {wait} later{newer}")


def _because(cause: Cause) -> str:
    where = "" if cause.location is None else f" at {cause.location}"
    which = "" if cause.sku is None else f" {cause.sku}"
    switch = "" if cause.switch is None else f", switch {cause.switch}"
    return f"{cause.reason.value}{which}{where}{_rule(cause.rule)}{switch}"


def _rule(rule: Rule | None) -> str:
    if rule is None:
        return ""
    return f" ({rule.place})" if rule.place else f" ({rule.list} {rule.index + 1})"


def _stop(switch: Switch) -> str:
    what = [part for part in (switch.sku or switch.category, switch.channel, switch.location) if part]
    until = "" if switch.until is None else f" until {shown(switch.until)}"
    return (
        f"{', '.join(what)} by {switch.owner} since {shown(switch.since)}{until}: {switch.reason or 'no reason given'}"
    )


def stop_rows(switches: Iterable[Switch]) -> list[tuple[object, ...]]:
    """Switches as a table shows them."""
    return [
        (
            switch.id, switch.sku, switch.category, switch.channel, switch.location, switch.owner, switch.reason,
            switch.since, switch.until, switch.ended_at, switch.ended_by,
        )
        for switch in switches
    ]  # fmt: skip
