"""Reasons to wait: placed by rules or people, released by facts or people."""
