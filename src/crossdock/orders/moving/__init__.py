"""Units of lines move from state to state."""
