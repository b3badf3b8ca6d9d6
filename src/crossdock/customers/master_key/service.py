"""One database, one master key: what another key sealed nobody could ever read again."""

from typing import Final

from crossdock.customers.master_key import store
from crossdock.foundation.db import Tx
from crossdock.foundation.vault import Vault

_MARKED: Final = b"the master key of this database"


async def fits(tx: Tx, vault: Vault) -> bool:
    """Whether *vault* holds this database's key. The first one to ask makes the database its own."""
    mark = vault.mark(_MARKED)
    await store.keep_mark(tx, mark)
    return await store.is_mark(tx, mark)
