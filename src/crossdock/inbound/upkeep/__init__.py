"""Partitions made ahead, old months dropped, old event ids forgotten."""
