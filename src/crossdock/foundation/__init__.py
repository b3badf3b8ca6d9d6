"""What every package stands on: database, clock, ids, settings, logs, traces."""
