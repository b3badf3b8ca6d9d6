"""SQL of the master key's mark."""

from typing import Final, LiteralString

from crossdock.foundation.db import Tx, execute, fetch_value

KEEP_MARK: Final[LiteralString] = """
INSERT INTO customers.master_key (mark) VALUES (%(mark)s) ON CONFLICT DO NOTHING
"""

IS_MARK: Final[LiteralString] = """
SELECT mark = %(mark)s FROM customers.master_key
"""


async def keep_mark(tx: Tx, mark: bytes) -> None:
    """Of the first key that asks; later ones change nothing."""
    await execute(tx, KEEP_MARK, {"mark": mark})


async def is_mark(tx: Tx, mark: bytes) -> bool:
    """Whether it is the one kept."""
    return await fetch_value(tx, IS_MARK, bool, {"mark": mark}) is True
