"""News about orders that are known: later revisions, payments, cancellations, edits."""
