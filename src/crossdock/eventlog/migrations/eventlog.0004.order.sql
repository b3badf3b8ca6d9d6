-- depends: foundation.0001.commit_order
ALTER TABLE eventlog.event ALTER COLUMN xid SET DEFAULT foundation.place();
