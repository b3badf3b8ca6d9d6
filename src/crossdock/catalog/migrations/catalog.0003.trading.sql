-- What the promise must know of an item: where it belongs, what it is made of, in what it is handled and ordered.
ALTER TABLE catalog.item
    ADD COLUMN category              text             NOT NULL DEFAULT '',
    ADD COLUMN components            text[]           NOT NULL DEFAULT '{}',
    ADD COLUMN component_quantities  numeric(24, 6)[] NOT NULL DEFAULT '{}',
    ADD COLUMN units                 text[]           NOT NULL DEFAULT '{}',
    ADD COLUMN unit_factors          numeric(24, 6)[] NOT NULL DEFAULT '{}',
    ADD COLUMN order_minimum         numeric(24, 6)   CHECK (order_minimum > 0),
    ADD COLUMN order_maximum         numeric(24, 6)   CHECK (order_maximum > 0),
    ADD COLUMN order_multiple        numeric(24, 6)   CHECK (order_multiple > 0),
    ADD COLUMN known_at              timestamptz,
    ADD CONSTRAINT item_components_have_quantities CHECK (cardinality(components) = cardinality(component_quantities)),
    ADD CONSTRAINT item_units_have_factors CHECK (cardinality(units) = cardinality(unit_factors)),
    ADD CONSTRAINT item_is_no_part_of_itself CHECK (NOT sku = ANY (components));
UPDATE catalog.item SET known_at = changed_at;
-- The release before this one describes items without saying since when.
ALTER TABLE catalog.item ALTER COLUMN known_at SET DEFAULT clock_timestamp(), ALTER COLUMN known_at SET NOT NULL;
CREATE INDEX item_components ON catalog.item USING gin (components) WHERE components <> '{}';

-- What the promise knew of an item until it was described anew: a past number is explained with what held then.
CREATE TABLE catalog.former (
    sku                   text             NOT NULL,
    until                 timestamptz      NOT NULL,
    category              text             NOT NULL,
    tracked               boolean          NOT NULL,
    components            text[]           NOT NULL,
    component_quantities  numeric(24, 6)[] NOT NULL,
    PRIMARY KEY (sku, until)
);
