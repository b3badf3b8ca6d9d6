"""Clocks of others that are wrong."""
