"""From which locations an order is served."""
