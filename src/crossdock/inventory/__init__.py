"""Stock per SKU, location and condition: what is there, what is promised, and every movement that made it so."""
