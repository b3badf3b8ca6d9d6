"""Vendor modules, each found by its entry point; the core names none of them."""
