"""What may not be sold, by the estate's rules and by switches. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from crossdock.availability.model import Cause, Reason, Rule
from crossdock.availability.policy.rules import Placed, Policy, Subject, below
from crossdock.availability.scene.model import Scene
from crossdock.availability.switches.model import Switch
from crossdock.canonical.base import LocationCode
from crossdock.estate.model import StopSell


class Chooses(Protocol):
    """A stop, set or to be set."""

    @property
    def sku(self) -> str | None: ...
    @property
    def category(self) -> str | None: ...
    @property
    def channel(self) -> str | None: ...
    @property
    def location(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Stops:
    """What stops one item on one channel; of a kit's component, also what stops the kit."""

    rules: Sequence[Placed[StopSell]]
    switches: Sequence[Switch]

    @classmethod
    def of(cls, policy: Policy, scene: Scene, subjects: Sequence[Subject]) -> "Stops":
        """Everything that may stop any of the subjects somewhere."""
        return cls(
            [policy.stop_sell.placed(subject, scene.as_of) for subject in subjects] if policy.stop_sell else (),
            [switch for switch in scene.switches if any(chooses(switch, subject) for subject in subjects)],
        )

    def at(self, location: LocationCode) -> Cause | None:
        """Why nothing may be sold from there; None when it may."""
        for placed in self.rules:
            found = placed.of(location)
            if found is not None and found.rule.stop:
                return Cause(Reason.STOP_SELL, location, Rule("stop_sell", found.index))
        for switch in self.switches:
            if switch.location in {None, location}:
                return Cause(Reason.STOP_SELL, location, switch=switch.id)
        return None

    def anywhere(self) -> Cause | None:
        """Why nothing may be sold wherever it comes from; None when that depends on the place."""
        for placed in self.rules:
            if placed.elsewhere is not None and all(f.rule.stop for f in (placed.elsewhere, *placed.at.values())):
                return Cause(Reason.STOP_SELL, rule=Rule("stop_sell", placed.elsewhere.index))
        for switch in self.switches:
            if switch.location is None:
                return Cause(Reason.STOP_SELL, switch=switch.id)
        return None


def chooses(stop: Chooses, subject: Subject) -> bool:
    """Is it about this item on this channel?"""
    return (
        stop.sku in {None, subject.sku}
        and (stop.category is None or below(subject.category, stop.category))
        and stop.channel in {None, subject.channel}
    )
