"""What one location can promise."""
