-- Applied versions of the estate; the newest is in force. Rolling back applies an old document as a new version.
CREATE SCHEMA estate;

CREATE TABLE estate.version (
    number      integer     PRIMARY KEY,
    digest      text        NOT NULL,
    document    jsonb       NOT NULL,
    note        text        NOT NULL,
    applied_at  timestamptz NOT NULL
);
