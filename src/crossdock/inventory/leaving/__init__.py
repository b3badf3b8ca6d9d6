"""What left for customers, and when floors were last heard: read from the ledger by time."""
