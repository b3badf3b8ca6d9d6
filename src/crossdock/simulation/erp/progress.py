"""How far the making of the ERP has come, for a bar on a screen."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias


class Step(Enum):
    """In the order they come; steps whose result is cached are not reported."""

    WAITING = "waiting for another run that is making the same ERP"
    ENVIRONMENT = "making Tryton's own Python environment"
    PACKAGES = "installing Tryton"
    DATABASE = "starting its database"
    MODULES = "setting up its modules"
    RETAILER = "entering the retailer"
    STOCK = "entering the opening stock"
    STARTING = "starting the ERP"


@dataclass(frozen=True, slots=True)
class Progress:
    """*done* of *total* of one step."""

    step: Step
    done: int
    total: int


Report: TypeAlias = Callable[[Progress], None]


def unreported(_: Progress) -> None:
    """For callers that do not watch."""
