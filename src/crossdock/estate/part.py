"""What every part of the estate is made of."""

from typing import Annotated, Final

import msgspec

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$")]
Zone = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_]+(/[A-Za-z0-9_+-]+)*$")]
Duration = Annotated[str, msgspec.Meta(pattern=r"^\d+[mhd]$")]
"""30m, 4h, 2d."""

OWN_FLOOR: Final = "."
"""In a location's `told_by`: its own floor, whoever tells of it."""


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of everything in the estate: a misspelt field is an error with its line."""
