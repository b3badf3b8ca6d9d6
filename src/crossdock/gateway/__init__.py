"""The HTTP API: adapts requests to services, nothing else."""
