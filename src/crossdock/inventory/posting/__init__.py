"""Writing the ledger: entries, what they leave behind, and the guards they pass."""
