"""Months made ahead and dropped whole."""
