"""The formulas of the promise, one function each."""
