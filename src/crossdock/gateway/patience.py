"""How long a caller waits for the database before being told to come back."""

from typing import Final

PATIENCE_S: Final = 3.0
"""Counted from when the database was first asked in vain, however often a request asks.

Waiting is better than saying no: a restart is over by then, and some who send webhooks never send again. Together with
the last tries of a request that asks three times it stays below the five seconds after which others hang up.
"""
