"""Claims without goods in hand: on receipts that are due by a day, or on nothing yet."""
