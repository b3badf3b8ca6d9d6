"""Months made ahead and dropped whole; what is settled is forgotten by age."""
