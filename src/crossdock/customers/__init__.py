"""People: who bought, where parcels go; sealed apart from everything else."""
