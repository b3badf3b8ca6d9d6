-- The promise as channels are told: the number each shall show, what was said when, and what they confirmed.
CREATE SCHEMA availability;

-- State, not history: a thousand changes of one item are one number to send. Versions of a row only rise.
CREATE TABLE availability.target (
    channel             text          NOT NULL,
    sku                 text          NOT NULL,
    quantity            numeric(24,6) NOT NULL CHECK (quantity >= 0),
    version             bigint        NOT NULL CHECK (version > 0),
    urgent              boolean       NOT NULL,
    happened_at         timestamptz   NOT NULL,  -- of the earliest fact that is not confirmed yet
    decided_at          timestamptz   NOT NULL,
    confirmed_version   bigint        NOT NULL DEFAULT 0,
    confirmed_quantity  numeric(24,6),
    confirmed_at        timestamptz,
    PRIMARY KEY (channel, sku),
    CONSTRAINT target_confirms_what_was_told CHECK (confirmed_version <= version)
) WITH (fillfactor = 80);

CREATE INDEX target_pending ON availability.target (channel, urgent DESC, happened_at)
    WHERE confirmed_version < version;

-- Every number that a channel was to show, and every confirmation: what did we tell them at 10:02?
CREATE TABLE availability.announcement (
    channel       text          NOT NULL,
    sku           text          NOT NULL,
    version       bigint        NOT NULL,
    quantity      numeric(24,6) NOT NULL,
    happened_at   timestamptz   NOT NULL,
    decided_at    timestamptz   NOT NULL,
    PRIMARY KEY (channel, sku, version)
);

CREATE TABLE availability.confirmation (
    position      bigint        NOT NULL GENERATED ALWAYS AS IDENTITY,
    channel       text          NOT NULL,
    sku           text          NOT NULL,
    version       bigint        NOT NULL,
    quantity      numeric(24,6) NOT NULL,
    confirmed_at  timestamptz   NOT NULL,
    PRIMARY KEY (position)
);

CREATE INDEX confirmation_item ON availability.confirmation (channel, sku, confirmed_at);

-- How far the ledger was read. One row: its lock makes one writer of targets at a time.
CREATE TABLE availability.progress (
    single        boolean       PRIMARY KEY DEFAULT true CHECK (single),
    xid           bigint        NOT NULL,
    seq           bigint        NOT NULL,
    moved_at      timestamptz   NOT NULL DEFAULT clock_timestamp()
);

INSERT INTO availability.progress (xid, seq) VALUES (0, 0);
