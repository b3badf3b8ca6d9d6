"""What orders stand on: their claims, and those who have neither goods nor a day."""
