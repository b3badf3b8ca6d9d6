"""Orders and news about them, as channels tell them."""
