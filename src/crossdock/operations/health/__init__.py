"""What the database and the books say about the hub's health."""
