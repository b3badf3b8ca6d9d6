"""Months of receipts made ahead."""
