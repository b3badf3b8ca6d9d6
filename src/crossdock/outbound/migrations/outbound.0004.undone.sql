-- Compensation: what was applied and is not wanted any more is undone over there by an intent of its own.
ALTER TYPE outbound.outcome ADD VALUE 'undone';
ALTER TABLE outbound.order_origin ADD COLUMN reduced boolean NOT NULL DEFAULT false;
