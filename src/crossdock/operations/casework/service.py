"""Work exceptions off."""

from crossdock.operations.casework.dismissing import dismiss
from crossdock.operations.casework.looking import IntentSeen, Sight, look
from crossdock.operations.casework.outcomes import By, Means, NotPossible, ReleaseOutcome, StillWrong, Worked
from crossdock.operations.casework.releasing import release, release_cause

__all__ = [
    "By",
    "IntentSeen",
    "Means",
    "NotPossible",
    "ReleaseOutcome",
    "Sight",
    "StillWrong",
    "Worked",
    "dismiss",
    "look",
    "release",
    "release_cause",
]
