"""Work an exception off: look at it, set going what it holds up, or decide that nothing happens."""
