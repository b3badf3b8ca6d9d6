-- Files of drop folders that were taken lately: a sender that writes on is noticed, and what it adds is taken, too.
-- A new table: the previous release does not know it and does without.
CREATE TABLE inbound.taken (
    connection     text        NOT NULL,
    feed           text        NOT NULL,
    place          bytea       NOT NULL,             -- below the drop folder: done/2026-11-27/day.xml, any bytes
    name           text        NOT NULL,             -- what its sender called it, as text
    mark           text        NOT NULL,             -- inode, size and time of what was taken
    version        integer     NOT NULL,             -- 1 until it is written to
    message        uuid        NOT NULL,             -- what was taken last
    watched_until  timestamptz NOT NULL,
    PRIMARY KEY (connection, feed, place)
);
