"""Seals: evidence that nobody has changed what was written."""
