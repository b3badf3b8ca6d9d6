-- Holds for amounts and quantities that cannot be right. The previous release never writes them, and reads none that it
-- has not written: an order of theirs is held by this release alone.
ALTER TYPE orders.hold_code ADD VALUE 'payment_mismatch';
ALTER TYPE orders.hold_code ADD VALUE 'amounts';
ALTER TYPE orders.hold_code ADD VALUE 'fraction';
