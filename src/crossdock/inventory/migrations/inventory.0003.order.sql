-- depends: foundation.0001.commit_order
ALTER TABLE inventory.movement ALTER COLUMN xid SET DEFAULT foundation.place();
