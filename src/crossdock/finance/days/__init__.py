"""Store days: their closings, their gaps."""
