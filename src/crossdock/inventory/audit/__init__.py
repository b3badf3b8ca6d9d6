"""Proof that counters, ledger and claims agree."""
