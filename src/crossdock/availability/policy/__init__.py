"""The estate as the formulas look things up in it."""
