"""Messages lie sealed, each under a key of its own, bound to whom it is about; erasing is deleting the key."""
