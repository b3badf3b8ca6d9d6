"""Traffic that the hub turns away, told where people look."""
