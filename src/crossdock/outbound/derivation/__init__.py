"""From facts to intents: the event log is the outbox, the estate's flows say who is told."""
