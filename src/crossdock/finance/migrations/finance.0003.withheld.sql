-- Runs whose money is left out because the estate does not book their currency; a later closing books it, once it does.
-- The previous release goes on as before: its runs leave nothing out.
ALTER TABLE finance.store_day_run ADD COLUMN withheld boolean NOT NULL DEFAULT false;
