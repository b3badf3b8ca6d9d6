-- Stock: positions are counters, the ledger is how they came about, claims are what was promised to whom.
CREATE SCHEMA inventory;

-- One row per SKU, location and condition. `short` is written by the statement and checked by the table: the statement
-- that takes promises keeps it or lowers it, so a promise beyond the goods fails here whatever the program believed.
CREATE TABLE inventory.position (
    sku               text          NOT NULL,
    location          text          NOT NULL,
    condition         text          NOT NULL DEFAULT 'new',
    on_hand           numeric(24,6) NOT NULL DEFAULT 0,  -- may be negative: tills sell what the books do not know
    damaged           numeric(24,6) NOT NULL DEFAULT 0 CHECK (damaged >= 0),
    quality_hold      numeric(24,6) NOT NULL DEFAULT 0 CHECK (quality_hold >= 0),
    quarantine        numeric(24,6) NOT NULL DEFAULT 0 CHECK (quarantine >= 0),
    display           numeric(24,6) NOT NULL DEFAULT 0 CHECK (display >= 0),
    repair            numeric(24,6) NOT NULL DEFAULT 0 CHECK (repair >= 0),
    return_to_vendor  numeric(24,6) NOT NULL DEFAULT 0 CHECK (return_to_vendor >= 0),
    held              numeric(24,6) NOT NULL DEFAULT 0 CHECK (held >= 0),
    allocated         numeric(24,6) NOT NULL DEFAULT 0 CHECK (allocated >= 0),
    in_transit        numeric(24,6) NOT NULL DEFAULT 0 CHECK (in_transit >= 0),
    on_order          numeric(24,6) NOT NULL DEFAULT 0 CHECK (on_order >= 0),
    dated             numeric(24,6) NOT NULL DEFAULT 0 CHECK (dated >= 0),
    backordered       numeric(24,6) NOT NULL DEFAULT 0 CHECK (backordered >= 0),
    short             numeric(24,6) NOT NULL DEFAULT 0,
    version           bigint        NOT NULL DEFAULT 0,  -- how many ledger rows made it
    changed_at        timestamptz   NOT NULL DEFAULT 'epoch',
    happened_at       timestamptz   NOT NULL DEFAULT 'epoch',  -- the latest change of on-hand, as the floor tells it
    counted_at        timestamptz,
    PRIMARY KEY (sku, location, condition),
    CONSTRAINT position_promises_stand_on_goods CHECK (
        short = greatest(0, allocated + held - greatest(0,
            on_hand - damaged - quality_hold - quarantine - display - repair - return_to_vendor))
    )
) WITH (fillfactor = 60);

-- The ledger: double entry between the accounts of one position. Balances are those after the row, so any past moment
-- is one look-up. Insert-only; partitioned by id (UUIDv7, so by time).
CREATE TABLE inventory.movement (
    id                uuid          NOT NULL,
    xid               xid8          NOT NULL DEFAULT pg_current_xact_id(),  -- commit horizon: readers stay below it
    seq               bigint        NOT NULL GENERATED ALWAYS AS IDENTITY,
    kind              text          NOT NULL CHECK (kind IN (
        'receive', 'issue', 'adjust', 'count', 'transfer_out', 'transfer_in', 'rebucket', 'return_receive',
        'hold', 'hold_release', 'allocate', 'release', 'consume')),
    sku               text          NOT NULL,
    location          text          NOT NULL,
    condition         text          NOT NULL,
    version           bigint        NOT NULL,
    from_account      text          NOT NULL,
    to_account        text          NOT NULL,
    quantity          numeric(24,6) NOT NULL CHECK (quantity > 0),
    on_hand           numeric(24,6) NOT NULL,
    damaged           numeric(24,6) NOT NULL,
    quality_hold      numeric(24,6) NOT NULL,
    quarantine        numeric(24,6) NOT NULL,
    display           numeric(24,6) NOT NULL,
    repair            numeric(24,6) NOT NULL,
    return_to_vendor  numeric(24,6) NOT NULL,
    held              numeric(24,6) NOT NULL,
    allocated         numeric(24,6) NOT NULL,
    in_transit        numeric(24,6) NOT NULL,
    on_order          numeric(24,6) NOT NULL,
    dated             numeric(24,6) NOT NULL,
    backordered       numeric(24,6) NOT NULL,
    short_before      numeric(24,6) NOT NULL,
    short             numeric(24,6) NOT NULL,
    key               text          NOT NULL,  -- the movement's own key, or the reservation's
    reason            text          NOT NULL,
    happened_at       timestamptz   NOT NULL,
    recorded_at       timestamptz   NOT NULL,  -- never goes back within a position
    correlation_id    uuid          NOT NULL,
    causation_id      uuid,
    source            text          NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT movement_changes_something CHECK (from_account <> to_account),
    CONSTRAINT movement_is_not_from_the_future CHECK (happened_at <= recorded_at),
    CONSTRAINT movement_of_claims_is_a_claim CHECK (
        (from_account IN ('held', 'allocated') OR to_account IN ('held', 'allocated'))
        = (kind IN ('hold', 'hold_release', 'allocate', 'release', 'consume'))),
    CONSTRAINT movement_short_is_the_truth CHECK (
        short = greatest(0, allocated + held - greatest(0,
            on_hand - damaged - quality_hold - quarantine - display - repair - return_to_vendor))),
    CONSTRAINT movement_only_the_floor_raises_short CHECK (
        short <= short_before OR kind IN (
            'receive', 'issue', 'adjust', 'count', 'transfer_out', 'transfer_in', 'rebucket', 'return_receive'))
) PARTITION BY RANGE (id);

CREATE INDEX movement_order ON inventory.movement (xid, seq);
CREATE INDEX movement_position ON inventory.movement (sku, location, condition, recorded_at, version);

CREATE TABLE inventory.movement_default PARTITION OF inventory.movement DEFAULT;

CREATE FUNCTION inventory.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is never changed: % on %.% refused', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END;
$$;

CREATE TRIGGER movement_is_append_only BEFORE UPDATE OR DELETE ON inventory.movement
    FOR EACH ROW EXECUTE FUNCTION inventory.refuse_change();

-- What was done under a key, so that it is done once: movements, counts, transfers, shipments, partial releases, moves.
CREATE TABLE inventory.operation (
    key               text          PRIMARY KEY,
    fingerprint       bytea         NOT NULL CHECK (octet_length(fingerprint) = 16),
    recorded_at       timestamptz   NOT NULL
);

-- What was asked for under a key. Insert-only; the answer is its claims' `granted`, and the shortfall if there was one.
CREATE TABLE inventory.reservation (
    key               text          PRIMARY KEY,
    fingerprint       bytea         NOT NULL CHECK (octet_length(fingerprint) = 16),
    kind              text          NOT NULL CHECK (kind IN ('hold', 'allocation')),
    channel           text,
    expires_at        timestamptz,
    requested_at      timestamptz   NOT NULL,
    correlation_id    uuid          NOT NULL,
    source            text          NOT NULL,
    CONSTRAINT reservation_only_holds_expire CHECK ((kind = 'hold') = (expires_at IS NOT NULL))
);

CREATE TABLE inventory.shortfall (
    key               text          PRIMARY KEY,
    answer            jsonb         NOT NULL
);

-- A reservation's units at one position: always on a location. Changed only under the position's row lock.
CREATE TABLE inventory.claim (
    key               text          NOT NULL,
    sku               text          NOT NULL,
    location          text          NOT NULL,
    condition         text          NOT NULL,
    kind              text          NOT NULL CHECK (kind IN ('hold', 'allocation')),
    expires_at        timestamptz,
    granted           numeric(24,6) NOT NULL CHECK (granted >= 0),  -- in the first answer; 0 when moved here later
    arrived           numeric(24,6) NOT NULL CHECK (arrived > 0),   -- granted or moved here
    remaining         numeric(24,6) NOT NULL CHECK (remaining >= 0),
    consumed          numeric(24,6) NOT NULL DEFAULT 0 CHECK (consumed >= 0),
    released          numeric(24,6) NOT NULL DEFAULT 0 CHECK (released >= 0),
    expired           numeric(24,6) NOT NULL DEFAULT 0 CHECK (expired >= 0),
    moved             numeric(24,6) NOT NULL DEFAULT 0 CHECK (moved >= 0),
    PRIMARY KEY (key, sku, location, condition),
    CONSTRAINT claim_units_end_once CHECK (arrived = remaining + consumed + released + expired + moved),
    CONSTRAINT claim_only_holds_expire CHECK ((kind = 'hold') = (expires_at IS NOT NULL))
) WITH (fillfactor = 80);

CREATE INDEX claim_open ON inventory.claim (sku, location, condition, expires_at) WHERE remaining > 0;
CREATE INDEX claim_due ON inventory.claim (expires_at) WHERE remaining > 0 AND expires_at IS NOT NULL;
