-- A busy position's row is written a few times a second only; between, its balances are rows of their own. An updated
-- row leaves a dead version behind, and while anybody holds a snapshot (a report, a backup) none of them can be cleared
-- away: with thousands of them every look at a hot SKU walks them all. Rows that are only ever inserted do not age.
CREATE TABLE inventory.running (
    sku               text          NOT NULL,
    location          text          NOT NULL,
    condition         text          NOT NULL,
    version           bigint        NOT NULL,
    on_hand           numeric(24,6) NOT NULL,
    damaged           numeric(24,6) NOT NULL CHECK (damaged >= 0),
    quality_hold      numeric(24,6) NOT NULL CHECK (quality_hold >= 0),
    quarantine        numeric(24,6) NOT NULL CHECK (quarantine >= 0),
    display           numeric(24,6) NOT NULL CHECK (display >= 0),
    repair            numeric(24,6) NOT NULL CHECK (repair >= 0),
    return_to_vendor  numeric(24,6) NOT NULL CHECK (return_to_vendor >= 0),
    held              numeric(24,6) NOT NULL CHECK (held >= 0),
    allocated         numeric(24,6) NOT NULL CHECK (allocated >= 0),
    in_transit        numeric(24,6) NOT NULL CHECK (in_transit >= 0),
    on_order          numeric(24,6) NOT NULL CHECK (on_order >= 0),
    dated             numeric(24,6) NOT NULL CHECK (dated >= 0),
    backordered       numeric(24,6) NOT NULL CHECK (backordered >= 0),
    short             numeric(24,6) NOT NULL,
    changed_at        timestamptz   NOT NULL,
    happened_at       timestamptz   NOT NULL,
    counted_at        timestamptz,
    -- Who writes without having locked meets the one who did: a version is written once.
    PRIMARY KEY (sku, location, condition, version),
    CONSTRAINT running_promises_stand_on_goods CHECK (
        short = greatest(0, allocated + held - greatest(0,
            on_hand - damaged - quality_hold - quarantine - display - repair - return_to_vendor))
    )
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.2);

-- Positions as they stand: the newest balances, wherever they are written. Everybody reads this, nobody the parts.
CREATE VIEW inventory.standing AS
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
       coalesce(r.counted_at, p.counted_at) AS counted_at  -- never unset once it is known
  FROM inventory.position p
  LEFT JOIN LATERAL (
       SELECT *
         FROM inventory.running n
        WHERE n.sku = p.sku AND n.location = p.location AND n.condition = p.condition AND n.version > p.version
        ORDER BY n.version DESC
        LIMIT 1) AS r ON true;

-- Of the rows that a batch writes for a position only the last one carries the balances that the batch left behind.
ALTER TABLE inventory.movement
    ALTER COLUMN on_hand DROP NOT NULL,
    ALTER COLUMN damaged DROP NOT NULL,
    ALTER COLUMN quality_hold DROP NOT NULL,
    ALTER COLUMN quarantine DROP NOT NULL,
    ALTER COLUMN display DROP NOT NULL,
    ALTER COLUMN repair DROP NOT NULL,
    ALTER COLUMN return_to_vendor DROP NOT NULL,
    ALTER COLUMN held DROP NOT NULL,
    ALTER COLUMN allocated DROP NOT NULL,
    ALTER COLUMN in_transit DROP NOT NULL,
    ALTER COLUMN on_order DROP NOT NULL,
    ALTER COLUMN dated DROP NOT NULL,
    ALTER COLUMN backordered DROP NOT NULL,
    ADD COLUMN earliest timestamptz,  -- of a closing row: when the first of its batch happened
    ADD CONSTRAINT movement_balances_are_whole CHECK (num_nulls(
        on_hand, damaged, quality_hold, quarantine, display, repair, return_to_vendor, held, allocated, in_transit,
        on_order, dated, backordered) IN (0, 13)),
    DROP CONSTRAINT movement_short_is_the_truth,
    ADD CONSTRAINT movement_short_is_the_truth CHECK (on_hand IS NULL OR short = greatest(0, allocated + held - greatest(0,
        on_hand - damaged - quality_hold - quarantine - display - repair - return_to_vendor)));

DROP INDEX inventory.movement_order;
CREATE INDEX movement_order ON inventory.movement (xid, seq) WHERE on_hand IS NOT NULL;
