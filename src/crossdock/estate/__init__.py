"""The retailer as files: checked, versioned, applied."""
