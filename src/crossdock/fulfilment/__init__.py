"""What one location does for one order."""
