"""What the formulas look at besides the estate: stock, claims, expectations, items, silences."""
