"""What is asked of the promise."""
