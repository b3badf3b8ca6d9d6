"""From accepted to standing on locations, and from backordered to released."""
