"""How often tills usually send receipts, and which have fallen silent."""
