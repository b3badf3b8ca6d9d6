"""What the framework's handlers find in the application's state."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from litestar import Request
from litestar.datastructures import State

from crossdock.assembly.hub import Hub
from crossdock.canonical.base import check_moment
from crossdock.gateway.keys import Caller, Keyring
from crossdock.gateway.memory import Memory
from crossdock.gateway.messages import MessageIntake
from crossdock.gateway.meters import Meters
from crossdock.gateway.problems import FieldProblem, Problem
from crossdock.gateway.refusals import Refusals
from crossdock.gateway.retailer import RetailerView
from crossdock.gateway.shedding import Reads

PAGE_MAX: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Built once per gateway."""

    hub: Hub
    keyring: Keyring
    retailer: RetailerView
    reads: Reads
    meters: Meters
    messages: MessageIntake
    memory: Memory
    refusals: Refusals
    document: dict[str, Any]
    """The OpenAPI document."""


def parts_of(state: State) -> Parts:
    """The application's parts, typed."""
    parts = state.parts
    assert isinstance(parts, Parts)
    return parts


def caller_of(request: "Request[Any, Any, State]") -> Caller:
    """Who calls: put there by the guard."""
    caller = request.state.caller
    assert isinstance(caller, Caller)
    return caller


def check_limit(limit: int, highest: int = PAGE_MAX) -> None:
    """Problem when a page of that size is not given out."""
    if not 1 <= limit <= highest:
        raise wrong("limit", f"must be between 1 and {highest}")


def check_moment_asked(parameter: str, moment: datetime | None) -> None:
    """Problem when a query asks for a moment without zone, or for one that never was."""
    try:
        check_moment(moment, parameter)
    except ValueError as error:
        raise wrong(parameter, str(error).removeprefix(f"`{parameter}` ")) from None


def wrong(parameter: str, reason: str) -> Problem:
    """A query parameter that cannot be used."""
    return Problem("invalid", errors=(FieldProblem(path=f"?{parameter}", reason=reason),))
