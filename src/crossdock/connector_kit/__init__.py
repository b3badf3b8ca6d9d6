"""What a connector is made of: one typed page per vendor, read by the hub through an entry point."""
