-- Where each rule stands in the files that were applied: an answer can name the line that decided.
ALTER TABLE estate.version ADD COLUMN places jsonb NOT NULL DEFAULT '{}';
