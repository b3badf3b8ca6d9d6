"""Orders of people who are to be forgotten."""
