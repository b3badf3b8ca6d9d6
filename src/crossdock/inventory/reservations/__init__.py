"""Claims on stock: holds that expire and allocations of placed orders."""
