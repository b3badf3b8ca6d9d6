"""One number with everything that made it, at any moment."""
