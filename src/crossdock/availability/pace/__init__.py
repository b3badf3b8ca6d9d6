"""How fast goods leave, and how long nobody has told of them: what staleness is reckoned from."""
