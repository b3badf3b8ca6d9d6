"""Files that lie where no connection looks are an exception for as long as they lie there."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from crossdock.connector_kit.model import Finding
from crossdock.estate.model import Estate
from crossdock.eventlog.service import Origin
from crossdock.foundation.db import Tx
from crossdock.foundation.log import logger
from crossdock.operations.closing import close
from crossdock.operations.model import Matter
from crossdock.operations.service import list_exceptions, open_exception

log = logger(__name__)

TYPE: Final = "files_unclaimed"
SOURCE: Final = "drop"
TODO: Final = "Move them into the folder of their connection, or register the connection under that name."


async def tell(tx: Tx, estate: Estate, root: str, found: Mapping[str, int], *, now: datetime) -> None:
    """Open what is new, close what is gone; *found* says how many files lie under which name below *root*.

    Only those below this root: workers on other machines look after their own.
    """
    keys = {f"drop/{root}/{name}": name for name in found}
    told = {each.key for each in await list_exceptions(tx, type_name=TYPE) if each.key.startswith(f"drop/{root}/")}
    for key in keys.keys() - told:
        name = keys[key]
        log.warning("files_unclaimed", folder=name, files=found[name])
        matter = Matter(type=TYPE, key=key, subject=f"folder/{name}", detail=_said(name, found[name]))
        await open_exception(tx, estate, matter, origin=Origin.begin(SOURCE), now=now)
    for key in told - keys.keys():
        await close(tx, key, "nothing lies there any more", origin=Origin.begin(SOURCE), now=now)


def findings(found: Mapping[str, int]) -> Sequence[Finding]:
    """The same for `doctor`."""
    return [
        Finding(subject="drop folders", ok=False, text=_said(name, files), todo=TODO) for name, files in found.items()
    ]


def _said(name: str, files: int) -> str:
    many = "1 file lies" if files == 1 else f"{files} files lie"
    return f'{many} under drop/{name}: no connection "{name}" takes files'
