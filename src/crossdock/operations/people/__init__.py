"""What a person may ask of us: what is kept about them, and to be forgotten."""
