"""The ledger as readers use it: what changed, what happened, what was known at a past moment."""
