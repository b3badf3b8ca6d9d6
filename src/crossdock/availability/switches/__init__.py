"""Stops of the moment: what somebody decided may not be sold, until somebody lets it."""
