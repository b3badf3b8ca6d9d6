"""The ERP's connector with a shorter settle time: of a server beside us nothing is under way a second later."""

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from crossdock.connectors.tryton import CONNECTOR as TRYTON

SETTLE = timedelta(seconds=1)
CONNECTOR = replace(TRYTON, name="quick_erp", sends=tuple(replace(send, settle=SETTLE) for send in TRYTON.sends))


def installed(folder: Path) -> "dict[str, str]":
    """As somebody's package, left in *folder* as pip would; the environment in which it is found."""
    info = folder / "quick_erp-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: quick-erp\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[crossdock.connectors]\nquick_erp = e2e.quick_erp:CONNECTOR\n")
    paths = [str(folder), str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    return {"PYTHONPATH": os.pathsep.join(path for path in paths if path)}
