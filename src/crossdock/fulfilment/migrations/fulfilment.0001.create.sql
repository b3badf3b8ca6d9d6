-- Fulfilments: one location's part of one order, its lines, and the parcels that left.
CREATE SCHEMA fulfilment;

CREATE TYPE fulfilment.state AS ENUM (
    'proposed', 'released', 'accepted', 'picking', 'packed', 'shipped', 'delivered', 'ready_for_pickup', 'collected',
    'rejected', 'cancelled', 'expired', 'returned_to_stock'
);
CREATE TYPE fulfilment.mode AS ENUM ('ship', 'pickup');

CREATE TABLE fulfilment.fulfilment (
    fulfilment_id   uuid             PRIMARY KEY,
    order_id        uuid             NOT NULL,
    location        text             NOT NULL,
    mode            fulfilment.mode  NOT NULL,
    state           fulfilment.state NOT NULL,
    reservation_key text             NOT NULL,  -- the claim its units stand on, shared by what was placed together
    correlation_id  uuid             NOT NULL,
    released_at     timestamptz      NOT NULL,
    ended_at        timestamptz,                -- shipped in full, or cancelled
    end_reason      text
) WITH (fillfactor = 80);

CREATE INDEX fulfilment_order ON fulfilment.fulfilment (order_id);
CREATE INDEX fulfilment_open ON fulfilment.fulfilment (location, fulfilment_id) WHERE ended_at IS NULL;

CREATE TABLE fulfilment.line (
    fulfilment_id   uuid    NOT NULL REFERENCES fulfilment.fulfilment,
    line_id         text    NOT NULL,  -- the order's
    sku             text    NOT NULL,
    quantity        numeric NOT NULL CHECK (quantity > 0),
    shipped         numeric NOT NULL DEFAULT 0 CHECK (shipped >= 0),
    cancelled       numeric NOT NULL DEFAULT 0 CHECK (cancelled >= 0),
    PRIMARY KEY (fulfilment_id, line_id),
    CONSTRAINT no_unit_twice CHECK (shipped + cancelled <= quantity)
) WITH (fillfactor = 80);

CREATE TABLE fulfilment.parcel (
    parcel_id       uuid        PRIMARY KEY,
    fulfilment_id   uuid        NOT NULL REFERENCES fulfilment.fulfilment,
    reference       text        NOT NULL,  -- the document of whoever shipped
    shipped_at      timestamptz NOT NULL,
    carrier         text        NOT NULL,
    tracking        text[]      NOT NULL,
    lines           jsonb       NOT NULL,  -- what was in it
    recorded_at     timestamptz NOT NULL,
    CONSTRAINT parcel_is_told_once UNIQUE (fulfilment_id, reference)
);

CREATE INDEX parcel_tracking ON fulfilment.parcel USING gin (tracking);
