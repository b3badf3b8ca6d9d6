-- depends: foundation.0001.commit_order
-- Units of accepted orders that stand on no location yet: promised, though no position knows of them. Rows come with
-- their order and go when it is placed.
CREATE TABLE inventory.unplaced (
    order_id          uuid          NOT NULL,
    line_id           text          NOT NULL,
    sku               text          NOT NULL,
    channel           text          NOT NULL,
    quantity          numeric(24,6) NOT NULL CHECK (quantity > 0),
    xid               xid8          NOT NULL DEFAULT foundation.place(),
    PRIMARY KEY (order_id, line_id)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX unplaced_sku ON inventory.unplaced (sku);
CREATE INDEX unplaced_order ON inventory.unplaced (xid);
