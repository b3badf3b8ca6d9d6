-- Claims without goods in hand: on receipts that are due by a day (`dated`), or on nothing yet (`backorder`). They stand on
-- a position like every claim, in counters of their own, and become claims on goods when goods land. The release before
-- makes none and writes its claims by the old key: upgrade its gateways before any channel is let sell without goods.
ALTER TABLE inventory.claim
    ADD COLUMN basis text NOT NULL DEFAULT 'goods' CHECK (basis IN ('goods', 'dated', 'backorder')),
    ADD COLUMN due_by timestamptz,
    ADD CONSTRAINT claim_has_a_day_when_dated CHECK ((basis = 'dated') = (due_by IS NOT NULL)),
    DROP CONSTRAINT claim_pkey,
    ADD PRIMARY KEY (key, sku, location, condition, basis);

CREATE INDEX claim_waiting ON inventory.claim (sku, location, condition) WHERE remaining > 0 AND basis <> 'goods';

-- What ranks promises when goods do not suffice for all: the day promised, the order's worth, what the channel charges.
ALTER TABLE inventory.reservation
    ADD COLUMN promised_at timestamptz,  -- null: nobody was promised a day; who asked first comes first
    ADD COLUMN worth numeric,
    ADD COLUMN penalty numeric;

-- `late`: units promised for a day that nothing under way will bring; only facts raise it, as with `short`.
-- `backorder_limit`: how many units may wait here, as the statement that last let one wait was told. It is no rule of its
-- own: a lower limit later only stops growth, because shrinking rows keep the limit they have.
ALTER TABLE inventory.position
    ADD COLUMN late numeric(24,6) NOT NULL DEFAULT 0,
    ADD COLUMN backorder_limit numeric(24,6) NOT NULL DEFAULT 0,
    ADD CONSTRAINT position_dated_stands_on_receipts CHECK (late = greatest(0, dated - on_order - in_transit)),
    ADD CONSTRAINT position_backorders_keep_their_limit CHECK (backordered <= backorder_limit);

ALTER TABLE inventory.running
    ADD COLUMN late numeric(24,6) NOT NULL DEFAULT 0,
    ADD COLUMN backorder_limit numeric(24,6) NOT NULL DEFAULT 0,
    ADD CONSTRAINT running_dated_stands_on_receipts CHECK (late = greatest(0, dated - on_order - in_transit)),
    ADD CONSTRAINT running_backorders_keep_their_limit CHECK (backordered <= backorder_limit);

CREATE OR REPLACE VIEW inventory.standing AS
SELECT p.sku, p.location, p.condition, p.version AS row_version, p.changed_at AS row_written_at,
       coalesce(r.version, p.version) AS version,
       coalesce(r.on_hand, p.on_hand) AS on_hand,
       coalesce(r.damaged, p.damaged) AS damaged,
       coalesce(r.quality_hold, p.quality_hold) AS quality_hold,
       coalesce(r.quarantine, p.quarantine) AS quarantine,
       coalesce(r.display, p.display) AS display,
       coalesce(r.repair, p.repair) AS repair,
       coalesce(r.return_to_vendor, p.return_to_vendor) AS return_to_vendor,
       coalesce(r.held, p.held) AS held,
       coalesce(r.allocated, p.allocated) AS allocated,
       coalesce(r.in_transit, p.in_transit) AS in_transit,
       coalesce(r.on_order, p.on_order) AS on_order,
       coalesce(r.dated, p.dated) AS dated,
       coalesce(r.backordered, p.backordered) AS backordered,
       coalesce(r.short, p.short) AS short,
       coalesce(r.changed_at, p.changed_at) AS changed_at,
       coalesce(r.happened_at, p.happened_at) AS happened_at,
       coalesce(r.counted_at, p.counted_at) AS counted_at,
       coalesce(r.late, p.late) AS late,
       coalesce(r.backorder_limit, p.backorder_limit) AS backorder_limit
  FROM inventory.position p
  LEFT JOIN LATERAL (
       SELECT *
         FROM inventory.running n
        WHERE n.sku = p.sku AND n.location = p.location AND n.condition = p.condition AND n.version > p.version
        ORDER BY n.version DESC
        LIMIT 1) AS r ON true;

ALTER TABLE inventory.movement
    DROP CONSTRAINT movement_of_claims_is_a_claim,
    ADD CONSTRAINT movement_of_claims_is_a_claim CHECK (
        (from_account IN ('held', 'allocated', 'dated', 'backordered')
         OR to_account IN ('held', 'allocated', 'dated', 'backordered'))
        = (kind IN ('hold', 'hold_release', 'allocate', 'release', 'consume')));
