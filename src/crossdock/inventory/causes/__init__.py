"""Which row of the ledger made a balance what it is."""
