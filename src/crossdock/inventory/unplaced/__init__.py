"""Units of accepted orders that stand on no location yet."""
