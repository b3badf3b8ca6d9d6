-- depends: foundation.0001.commit_order
-- Who keeps numbers in memory must hear of items that are described anew.
ALTER TABLE catalog.item ADD COLUMN xid xid8 NOT NULL DEFAULT foundation.place();
CREATE INDEX item_order ON catalog.item (xid);
