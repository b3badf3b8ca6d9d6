"""The ways out: shipped, cancelled, held and let go."""
