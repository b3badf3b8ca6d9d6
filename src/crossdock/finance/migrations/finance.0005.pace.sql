-- How many receipts each till has sent in which hour (as they arrived), and when it was heard last.
CREATE TABLE finance.till_hour (
    store     text        NOT NULL,
    till      text        NOT NULL,
    hour      timestamptz NOT NULL,
    receipts  integer     NOT NULL CHECK (receipts > 0),
    PRIMARY KEY (store, till, hour)
);

CREATE INDEX till_hour_age ON finance.till_hour USING brin (hour);

CREATE TABLE finance.till_watch (
    store         text        NOT NULL,
    till          text        NOT NULL,
    heard_at      timestamptz NOT NULL,
    silent_since  timestamptz,              -- told of: when it was heard last; null: it speaks, or nobody misses it
    PRIMARY KEY (store, till)
);
