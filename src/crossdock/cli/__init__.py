"""The command line: asks services, shows answers to people (tables) or machines (--json)."""
