"""The promise: how many units each channel may sell, and why."""
