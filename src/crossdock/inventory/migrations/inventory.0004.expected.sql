-- What is under way: lines of purchases and of transfers, each the receipt of some units at one position by some day.
-- Their open units are the positions' `on_order` (purchases) and `in_transit` (transfers).
CREATE TABLE inventory.expected (
    kind              text          NOT NULL CHECK (kind IN ('purchase', 'transfer')),
    reference         text          NOT NULL,
    line              text          NOT NULL,
    sku               text          NOT NULL,
    location          text          NOT NULL,
    condition         text          NOT NULL,
    due_at            timestamptz,             -- null: nobody knows when
    quantity          numeric(24,6) NOT NULL CHECK (quantity >= 0),  -- 0: it came before anybody announced it
    received          numeric(24,6) NOT NULL DEFAULT 0 CHECK (received >= 0),
    closed_at         timestamptz,             -- no more is expected
    close_reason      text          NOT NULL DEFAULT '',
    open              numeric(24,6) NOT NULL GENERATED ALWAYS AS (
        CASE WHEN closed_at IS NULL THEN greatest(0, quantity - received) ELSE 0 END) STORED,
    PRIMARY KEY (kind, reference, line)
);

CREATE INDEX expected_open ON inventory.expected (sku, location, condition, due_at) WHERE open > 0;

-- A supplier's document; its row is the lock of its lines. Made by whatever is heard of it first.
CREATE TABLE inventory.purchase (
    reference         text          PRIMARY KEY,
    supplier          text          NOT NULL DEFAULT '',
    revised_at        timestamptz   NOT NULL DEFAULT '-infinity'  -- of the newest statement about it
);

-- Goods between two own locations. What has left is a line of `expected`.
CREATE TABLE inventory.transfer (
    reference         text          PRIMARY KEY,
    source            text          NOT NULL,
    target            text          NOT NULL,
    state             text          NOT NULL CHECK (state IN (
        'draft', 'ready', 'in_transit', 'partly_received', 'received', 'discrepancy', 'settled', 'cancelled')),
    due_at            timestamptz,
    made_at           timestamptz   NOT NULL,
    changed_at        timestamptz   NOT NULL,
    receptions        integer       NOT NULL DEFAULT 0,  -- how often goods of it have arrived
    correlation_id    uuid          NOT NULL,
    CONSTRAINT transfer_goes_somewhere_else CHECK (source <> target)
);

CREATE INDEX transfer_open ON inventory.transfer (reference)
 WHERE state IN ('draft', 'ready', 'in_transit', 'partly_received', 'discrepancy');

CREATE TABLE inventory.transfer_line (
    reference         text          NOT NULL REFERENCES inventory.transfer,
    sku               text          NOT NULL,
    quantity          numeric(24,6) NOT NULL CHECK (quantity > 0),  -- asked for
    PRIMARY KEY (reference, sku)
);

ALTER TABLE inventory.movement
    DROP CONSTRAINT movement_kind_check,
    ADD CONSTRAINT movement_kind_check CHECK (kind IN (
        'receive', 'issue', 'adjust', 'count', 'transfer_out', 'transfer_in', 'rebucket', 'return_receive',
        'hold', 'hold_release', 'allocate', 'release', 'consume', 'expect'));
