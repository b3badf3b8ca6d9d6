"""Goods for those who wait for them."""
