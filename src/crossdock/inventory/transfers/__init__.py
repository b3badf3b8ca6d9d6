"""Goods between own locations: asked for, under way, arrived, and what did not add up."""
