"""What the locations of a channel can promise together."""
