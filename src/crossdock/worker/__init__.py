"""The process that works: loops that call services until nothing is left to do."""
