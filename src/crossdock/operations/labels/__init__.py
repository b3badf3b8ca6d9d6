"""What people call the things that exceptions are about."""
