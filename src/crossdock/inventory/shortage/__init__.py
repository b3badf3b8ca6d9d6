"""Promises whose goods are gone: who gives way, and what they stand on then."""
