"""Files that nobody takes."""
