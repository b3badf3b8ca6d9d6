"""Work of the hub that does not get on, told where people look."""
