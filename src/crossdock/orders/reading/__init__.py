"""Questions about orders, and the documents other systems get."""
