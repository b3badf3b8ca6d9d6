"""Whose claims stand where."""
