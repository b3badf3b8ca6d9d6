"""What is asked, of what, under which rules. Pure."""

from datetime import datetime
from typing import NamedTuple

from crossdock.availability.policy.rules import Policy, Subject
from crossdock.availability.scene.model import Scene
from crossdock.canonical.base import ChannelCode, Sku
from crossdock.canonical.orders import Mode
from crossdock.estate.model import Channel, duration


class Question(NamedTuple):
    """What is asked, and of what."""

    policy: Policy
    scene: Scene
    channel: Channel
    subject: Subject
    by: datetime | None = None

    @property
    def now(self) -> datetime:
        """The moment for which it is answered."""
        return self.scene.as_of

    def about(self, sku: Sku) -> "Question":
        """The same about another item."""
        subject = self.subject._replace(sku=sku, category=self.scene.traits_of(sku).category)
        return self._replace(subject=subject)


def question(policy: Policy, scene: Scene, channel: Channel, sku: Sku, mode: Mode) -> Question:
    """What a channel may sell of an item in a mode."""
    category = scene.traits_of(sku).category
    subject = Subject(sku, category, ChannelCode(channel.code), policy.pool_of(channel).code, mode)
    return Question(policy, scene, channel, subject)


def horizon_end(asked: Question) -> datetime:
    """Until when what is expected may be sold; being needed earlier can only make that earlier."""
    end = asked.now if asked.channel.horizon is None else asked.now + duration(asked.channel.horizon)
    return end if asked.by is None else max(asked.now, min(asked.by, end))
