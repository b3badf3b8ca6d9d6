"""One number with everything that made it, now or at a past moment."""

from collections.abc import Iterator
from datetime import datetime

from crossdock.availability import rules as formulas
from crossdock.availability import store
from crossdock.availability.explaining import rules
from crossdock.availability.model import Availability, Explanation, Told
from crossdock.availability.policy.rules import Policy
from crossdock.availability.questions import rules as questions
from crossdock.availability.scene import service as scenes
from crossdock.availability.scene.model import Scene
from crossdock.availability.switches.model import Switch
from crossdock.availability.switches.rules import chooses
from crossdock.canonical.base import ChannelCode, Sku
from crossdock.canonical.orders import Mode
from crossdock.estate import service as estates
from crossdock.estate.model import Estate
from crossdock.foundation.db import Tx
from crossdock.inventory import service as inventory


async def explain(
    tx: Tx,
    estate: Estate,
    sku: Sku,
    channel: ChannelCode,
    *,
    now: datetime,
    as_of: datetime | None = None,
    mode: Mode = Mode.SHIP,
    by: datetime | None = None,
) -> Explanation:
    """Every term of one number, what set it, and what the channel had been told by then.

    Of a past moment everything is as it was known then: stock and claims from the ledger, items, switches and silences as
    they were noted, the rules of the version that was in force. *estate* is what is in force now.
    """
    moment = now if as_of is None else as_of
    number = await estates.current_number(tx)
    if as_of is None:
        policy = Policy.of(estate)
        scene = await scenes.look(tx, policy, [sku], now=now)
    else:
        number, then = await estates.as_of(tx, as_of) or (0, Estate(company=estate.company))
        policy = Policy.of(then)
        scene = await scenes.look_back(tx, policy, [sku], as_of=as_of)
    answer = formulas.evaluate(policy, scene, sku, channel, mode=mode, by=by)
    return Explanation(
        availability=rules.placed(answer, await estates.places(tx, number)),
        told=await told(tx, channel, sku, moment),
        estate_version=number,
        set_by=tuple(await inventory.set_by(tx, list(rules.balances(answer)), moment)),
        switches=tuple(_stopping(policy, scene, answer)),
    )


async def told(tx: Tx, channel: ChannelCode, sku: Sku, at: datetime) -> Told:
    """What the channel should have shown at a moment, what it had last confirmed, and when it confirmed that number."""
    announced = await store.announced(tx, channel, sku, at)
    answered = None if announced is None else await store.answered(tx, channel, sku, announced.version)
    return Told(announced, await store.last_confirmed(tx, channel, sku, at), answered)


def _stopping(policy: Policy, scene: Scene, answer: Availability) -> Iterator[Switch]:
    """The switches that hit the item, or something that it is made of."""
    channel = policy.channels.get(answer.channel)
    if channel is None:
        return
    subjects = [questions.question(policy, scene, channel, sku, answer.mode).subject for sku in rules.skus(answer)]
    for switch in scene.switches:
        if any(chooses(switch, subject) for subject in subjects):
            yield switch
