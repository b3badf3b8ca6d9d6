"""Receipts that are under way: what suppliers and own transfers will bring, and by when."""
