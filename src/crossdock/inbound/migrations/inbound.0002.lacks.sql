-- What a quarantined record lacks (an identity, a location): records that lack the same are one matter, read again together.
ALTER TABLE inbound.record ADD COLUMN lacks text NOT NULL DEFAULT '';
CREATE INDEX record_lacks ON inbound.record (connection, lacks, message, number) WHERE state = 'quarantined' AND lacks <> '';
