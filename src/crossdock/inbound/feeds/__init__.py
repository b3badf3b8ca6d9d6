"""Where messages come from by our own doing: polls, first loads, drop folders."""
