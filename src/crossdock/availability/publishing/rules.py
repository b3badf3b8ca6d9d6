"""What of a number a channel is told, and when that is news. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Final, NamedTuple

from crossdock.availability.model import (
    ZERO,
    Availability,
    NewTarget,
    Rule,
)
from crossdock.availability.questions.rules import Question
from crossdock.availability.reasons import rules as reasons
from crossdock.canonical.base import ChannelCode, Sku

LAST_UNITS: Final = Decimal(3)
"""From here down every unit is urgent news: the next sale may be one too many."""


class Limits(NamedTuple):
    """What the channel is told of a number, and the rules that say so."""

    least: Decimal | None
    least_rule: Rule | None
    most: Decimal | None
    most_rule: Rule | None
    told: Decimal


def limits(asked: Question, sellable: Decimal) -> Limits:
    """The number within its limits."""
    least, least_rule = minimum(asked)
    most, most_rule = maximum(asked)
    told = sellable if most is None else min(sellable, most)
    if least is not None and sellable < least:
        told = ZERO
    return Limits(least, least_rule, most, most_rule, told)


def reasoned(answer: Availability) -> Availability:
    """The same, and why if it is zero."""
    causes = reasons.of_answer(answer)
    return replace(answer, causes=causes) if causes else answer


def minimum(asked: Question) -> tuple[Decimal | None, Rule | None]:
    """With less than this the channel is told 0, and by which rule."""
    for found, _ in asked.policy.publish_limits.matching(asked.subject, asked.now):
        if found.rule.minimum is not None:
            return found.rule.minimum, Rule("publish_limits", found.index, found.rule.minimum)
    return None, None


def maximum(asked: Question) -> tuple[Decimal | None, Rule | None]:
    """The most that the channel is told, and by which rule; no rule when it is the channel's own."""
    for found, _ in asked.policy.publish_limits.matching(asked.subject, asked.now):
        if found.rule.maximum is not None:
            return found.rule.maximum, Rule("publish_limits", found.index, found.rule.maximum)
    return asked.channel.publish_max, None


def urgent(before: Decimal | None, after: Decimal) -> bool:
    """News that cannot wait: gone, back again, or nearly gone."""
    return after <= LAST_UNITS or before == 0


def changes(current: Mapping[tuple[ChannelCode, Sku], Decimal], fresh: Iterable[Availability]) -> Iterator[NewTarget]:
    """The numbers that differ from what the channel shall show so far."""
    for answer in fresh:
        if answer.published is None:
            continue
        before = current.get((answer.channel, answer.sku))
        if before != answer.published:
            yield NewTarget(answer.channel, answer.sku, answer.published, urgent(before, answer.published))
