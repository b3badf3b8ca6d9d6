"""Which master key a database belongs to."""
