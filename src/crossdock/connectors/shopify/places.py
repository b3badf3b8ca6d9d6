"""The shop's locations: ours to theirs, and the one that stands for a shop with a single one."""

from collections.abc import Sequence
from typing import Final

from crossdock.connector_kit.record import Record
from crossdock.connector_kit.session import Session
from crossdock.connector_kit.verdict import CallFailed, Verdict
from crossdock.connectors.shopify.api import read

LOCATIONS_POINTS: Final = 250.0
ONLY: Final = "only_location"

LOCATIONS: Final = """
{ locations(first: 250) { nodes { id name isActive } } }
"""


async def place_of(session: Session, code: str | None) -> str:
    """Their location of ours; without one, the configured location or the shop's only one."""
    if code is not None:
        return (await session.identities.theirs("location", [code]))[code]
    configured = session.settings["location"]
    if configured:
        return configured
    if ONLY not in session.memory:
        session.memory[ONLY] = await _only_location(session)
    return session.memory[ONLY]


async def every_location(session: Session) -> Sequence[Record]:
    """The shop's first 250 locations; no shop has more."""
    answer = await read(session, LOCATIONS, {}, points=LOCATIONS_POINTS)
    return list(answer.data.one("locations").each("nodes"))


async def _only_location(session: Session) -> str:
    active = [place for place in await every_location(session) if place.flag("isActive")]
    if len(active) == 1:
        return active[0].text("id")
    names = ", ".join(f"{place.text('name')} = {place.text('id')}" for place in active)
    reason = f"the shop has {len(active)} locations ({names}); set `location` of the connection to one of them"
    raise CallFailed(Verdict.BROKEN, reason)
