"""Configured accounts of other systems: state, lease, breaker, budget, sessions."""
