-- Orders: one row per business fact, lines as quantity vectors. Header status is derived, so no column holds it.
CREATE SCHEMA orders;

CREATE TYPE orders.mode AS ENUM ('ship', 'pickup');
CREATE TYPE orders.payment_status AS ENUM ('pending', 'authorised', 'paid', 'refunded', 'voided');
CREATE TYPE orders.hold_code AS ENUM (
    'unknown_channel', 'unknown_location', 'unknown_sku', 'currency', 'total_mismatch', 'payment', 'edited',
    'cancelled_late', 'shipped_after_cancel', 'unplaceable', 'manual'
);

CREATE TABLE orders.header (
    order_id           uuid        PRIMARY KEY,
    connection         text        NOT NULL,
    channel            text        NOT NULL,
    channel_order_id   text        NOT NULL,
    number             text        NOT NULL,
    placed_at          timestamptz NOT NULL,
    currency           text        NOT NULL,
    prices_include_tax boolean     NOT NULL,
    total              numeric     NOT NULL CHECK (total >= 0),
    mode               orders.mode NOT NULL,
    pickup_location    text,
    charges            jsonb,                 -- as the channel told them; null: none
    payments           jsonb,                 -- the same
    payment_status     orders.payment_status NOT NULL,
    contact_id         uuid,                  -- who and where, sealed by customers; null: nobody told us
    address_mark       bytea,                 -- keyed hash: tells that the address changed, not what it is
    content_mark       bytea       NOT NULL,  -- keyed hash of the document: a repetition is recognised without reading it
    revised_at         timestamptz NOT NULL,  -- the channel's time of the newest content seen
    payment_at         timestamptz NOT NULL,  -- the channel's time of the newest payment news seen
    placements         integer     NOT NULL DEFAULT 0,  -- claims asked for so far: each has a key of its own
    correlation_id     uuid        NOT NULL,  -- the trace that every later fact continues
    accepted_at        timestamptz NOT NULL,
    cancelled_at       timestamptz,           -- when the channel or a person cancelled what was left
    cancel_reason      text,
    completed_at       timestamptz,           -- no unit is open any more
    CONSTRAINT header_is_one_business_fact UNIQUE (channel_order_id, connection)  -- this way round it also finds by id
) WITH (fillfactor = 80);

CREATE INDEX header_open ON orders.header (order_id) WHERE completed_at IS NULL;
CREATE INDEX header_number ON orders.header (number) WHERE number <> channel_order_id;

-- No foreign key: lines are written in the statement after their header, and checking each would cost a tenth of intake.
CREATE TABLE orders.line (
    order_id     uuid     NOT NULL,
    position     smallint NOT NULL,
    line_id      text     NOT NULL,
    sku          text     NOT NULL,
    name         text     NOT NULL,
    unit_price   numeric  NOT NULL,
    discount     numeric  NOT NULL,
    taxes        jsonb,
    ordered      numeric  NOT NULL CHECK (ordered > 0),
    cancelled    numeric  NOT NULL DEFAULT 0 CHECK (cancelled >= 0),
    backordered  numeric  NOT NULL DEFAULT 0 CHECK (backordered >= 0),
    unplaced     numeric  NOT NULL DEFAULT 0 CHECK (unplaced >= 0),
    allocated    numeric  NOT NULL DEFAULT 0 CHECK (allocated >= 0),
    released     numeric  NOT NULL DEFAULT 0 CHECK (released >= 0),
    picked       numeric  NOT NULL DEFAULT 0 CHECK (picked >= 0),
    packed       numeric  NOT NULL DEFAULT 0 CHECK (packed >= 0),
    shipped      numeric  NOT NULL DEFAULT 0 CHECK (shipped >= 0),
    collected    numeric  NOT NULL DEFAULT 0 CHECK (collected >= 0),
    PRIMARY KEY (order_id, line_id),
    CONSTRAINT every_unit_is_somewhere CHECK (
        ordered = cancelled + backordered + unplaced + allocated + released + picked + packed + shipped + collected
    )
) WITH (fillfactor = 70);

CREATE INDEX line_backordered ON orders.line (sku, order_id) WHERE backordered > 0;

CREATE TABLE orders.hold (
    hold_id         uuid             PRIMARY KEY,
    order_id        uuid             NOT NULL REFERENCES orders.header,
    hold            orders.hold_code NOT NULL,
    reason          text             NOT NULL,
    path            text             NOT NULL,
    placed_at       timestamptz      NOT NULL,
    released_at     timestamptz,
    released_by     text,            -- who let it go; null while it stands
    released_reason text,
    CONSTRAINT released_by_somebody CHECK ((released_at IS NULL) = (released_by IS NULL))
);

CREATE UNIQUE INDEX hold_stands_once ON orders.hold (hold, order_id) WHERE released_at IS NULL;
CREATE INDEX hold_order ON orders.hold (order_id);
