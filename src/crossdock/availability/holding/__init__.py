"""Holds: units for a channel's customers, up to what it may sell."""
