"""What others tell us: stored before the answer, decoded afterwards, applied once and in order."""
