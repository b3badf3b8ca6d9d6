-- Orders whose customer was erased: they stay, who it was does not, and no later message tells it again.
ALTER TABLE orders.header ADD COLUMN forgotten_at timestamptz;

-- A person's orders. Ids carry time and lie in the order of the rows: such an index costs intake next to nothing.
CREATE INDEX header_contact ON orders.header USING brin (contact_id) WITH (pages_per_range = 16, autosummarize = on);
