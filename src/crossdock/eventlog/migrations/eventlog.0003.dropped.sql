-- What retention has dropped in good order, so that seals can still be checked: new tables, unknown to the previous release.

-- One row per dropped month, chained: its hash covers the row before, the seals of the month, and what was left of them.
CREATE TABLE eventlog.dropped_month (
    number      bigint      PRIMARY KEY,
    month       text        NOT NULL,           -- 2026_11
    facts       bigint      NOT NULL CHECK (facts > 0),
    first_seal  bigint      NOT NULL,
    last_seal   bigint      NOT NULL CHECK (last_seal >= first_seal),
    hash        bytea       NOT NULL CHECK (octet_length(hash) = 32),
    dropped_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Seals of a dropped month that hold facts of other months, too: how many of those there are, and their hash.
CREATE TABLE eventlog.kept_of_seal (
    dropped     bigint      NOT NULL REFERENCES eventlog.dropped_month,
    seal        bigint      NOT NULL,
    facts       integer     NOT NULL CHECK (facts > 0),
    hash        bytea       NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (dropped, seal)
);
