"""Holds that become orders."""
