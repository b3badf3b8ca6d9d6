"""Naming what decided: the balances to be traced, and the line of each rule. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import msgspec

from crossdock.availability.model import Availability, Cause, ComponentTerm, LocationTerm, Rule
from crossdock.canonical.base import Sku
from crossdock.inventory.causes.model import ON_HAND, Balance

Places = Mapping[str, str]
"""`safety_stock.3` → `rules.yaml:12`."""


def balances(answer: Availability) -> Iterator[Balance]:
    """Every balance that is not zero, of the item and of a kit's components."""
    for term in answer.locations:
        if term.on_hand:
            yield Balance(answer.sku, term.location, ON_HAND)
        for account, units in (
            ("held", term.held),
            ("allocated", term.allocated),
            ("backordered", term.backordered),
            ("on_order", term.on_order),
            ("in_transit", term.in_transit),
            ("dated", term.dated),
            *term.unavailable.items(),
        ):
            if units:
                yield Balance(answer.sku, term.location, str(account))
    for component in answer.components:
        yield from balances(component.availability)


def skus(answer: Availability) -> Iterator[Sku]:
    """The item and what it is made of."""
    yield answer.sku
    for component in answer.components:
        yield from skus(component.availability)


def placed(answer: Availability, places: Places) -> Availability:
    """The same answer, each rule with its file and line."""
    return replace(
        answer,
        locations=tuple(_location(term, places) for term in answer.locations),
        segments=tuple(replace(term, rule=_named(term.rule, places)) for term in answer.segments),
        buffer_rule=_rule(answer.buffer_rule, places),
        backorder_rule=_rule(answer.backorder_rule, places),
        publish_min_rule=_rule(answer.publish_min_rule, places),
        publish_max_rule=_rule(answer.publish_max_rule, places),
        components=tuple(ComponentTerm(term.quantity, placed(term.availability, places)) for term in answer.components),
        causes=tuple(_cause(cause, places) for cause in answer.causes),
    )


def _location(term: LocationTerm, places: Places) -> LocationTerm:
    return msgspec.structs.replace(
        term,
        safety_rule=_rule(term.safety_rule, places),
        staleness_rule=_rule(term.staleness_rule, places),
        cause=None if term.cause is None else _cause(term.cause, places),
    )


def _cause(cause: Cause, places: Places) -> Cause:
    return replace(cause, rule=_rule(cause.rule, places))


def _rule(rule: Rule | None, places: Places) -> Rule | None:
    return None if rule is None else _named(rule, places)


def _named(rule: Rule, places: Places) -> Rule:
    return replace(rule, place=places.get(f"{rule.list}.{rule.index}", ""))
