"""One exception for many that lack the same kind of thing: what it lists, what it lets go, when it ends."""
