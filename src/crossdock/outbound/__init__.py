"""What we want other systems to do: derived from facts, sent once, answered for."""
