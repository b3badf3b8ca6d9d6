-- Till receipts and the books of store days.
CREATE SCHEMA finance;

-- Every number a till used. Insert-only, but for a receipt that was parked and is finished later under its number.
CREATE TABLE finance.receipt (
    store         text          NOT NULL,
    till          text          NOT NULL,
    business_day  date          NOT NULL,
    sequence      bigint        NOT NULL,
    id            uuid          NOT NULL,
    kind          text          NOT NULL CHECK (kind IN ('sale', 'void', 'control', 'cancelled', 'training')),
    currency      text          NOT NULL,
    total         numeric(24,6) NOT NULL,   -- what counts: a void's is its original's, negative; 0 when nothing posts
    tendered      numeric(24,6) NOT NULL,   -- money that changed hands, likewise
    fingerprint   bytea         NOT NULL,   -- of the content that must not differ when the number comes again
    document      jsonb         NOT NULL,
    closing       integer       NOT NULL CHECK (closing > 0),  -- the closing of its day that takes it; above 1 is late
    connection    text          NOT NULL,
    trace         uuid          NOT NULL,
    ended_at      timestamptz   NOT NULL,
    recorded_at   timestamptz   NOT NULL,
    PRIMARY KEY (store, till, business_day, sequence)
) PARTITION BY RANGE (business_day);

CREATE TABLE finance.receipt_default PARTITION OF finance.receipt DEFAULT;

CREATE INDEX receipt_closing ON finance.receipt (store, business_day, closing);

-- A receipt is taken back at most once: the primary key is the promise.
CREATE TABLE finance.void (
    store           text    NOT NULL,
    till            text    NOT NULL,
    business_day    date    NOT NULL,
    sequence        bigint  NOT NULL,
    by_store        text    NOT NULL,
    by_till         text    NOT NULL,
    by_business_day date    NOT NULL,
    by_sequence     bigint  NOT NULL,
    PRIMARY KEY (store, till, business_day, sequence),
    UNIQUE (by_store, by_till, by_business_day, by_sequence)
);

-- Shared by those who record receipts of the day, exclusive to the one who closes it.
CREATE TABLE finance.store_day (
    store         text    NOT NULL,
    business_day  date    NOT NULL,
    closings      integer NOT NULL DEFAULT 0,
    runs          integer NOT NULL DEFAULT 0,
    PRIMARY KEY (store, business_day)
);

CREATE INDEX store_day_day ON finance.store_day (business_day);

-- What a closing made: one run per currency.
CREATE TABLE finance.store_day_run (
    store             text          NOT NULL,
    business_day      date          NOT NULL,
    run               integer       NOT NULL CHECK (run > 0),
    closing           integer       NOT NULL,
    currency          text          NOT NULL,
    receipts          integer       NOT NULL,
    total             numeric(24,6) NOT NULL,
    tendered          numeric(24,6) NOT NULL,  -- Σ of the journal's tender lines, debit less credit
    journal           jsonb         NOT NULL,
    goods             jsonb         NOT NULL,
    closed_at         timestamptz   NOT NULL,
    journal_document  text,                    -- the ERP's ids, once landed
    goods_document    text,
    PRIMARY KEY (store, business_day, run)
);

-- Numbers missing in a till's sequence.
CREATE TABLE finance.till_gap (
    store         text        NOT NULL,
    till          text        NOT NULL,
    business_day  date        NOT NULL,
    missing_from  bigint      NOT NULL,
    missing_to    bigint      NOT NULL CHECK (missing_to >= missing_from),
    found_at      timestamptz NOT NULL,
    closed_at     timestamptz,
    PRIMARY KEY (store, till, business_day, missing_from, missing_to)
);

CREATE INDEX till_gap_open ON finance.till_gap (store, till) WHERE closed_at IS NULL;
