"""The items we trade."""
