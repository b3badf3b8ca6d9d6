-- Lines of items that nobody counts (gift wrapping, services): they leave with the rest, and no stock moves.
ALTER TABLE fulfilment.line ADD COLUMN tracked boolean NOT NULL DEFAULT true;
