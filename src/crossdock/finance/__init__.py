"""Till receipts, store days, and the journals that close them."""
