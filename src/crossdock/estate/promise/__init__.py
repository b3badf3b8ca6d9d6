"""What people decide about the promise: pools, what is kept back, what may be sold without goods, what may not be sold."""
