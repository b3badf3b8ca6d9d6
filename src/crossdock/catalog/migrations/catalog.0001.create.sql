-- Items as their owner (usually the ERP) describes them.
CREATE SCHEMA catalog;

CREATE TABLE catalog.item (
    sku         text           PRIMARY KEY,
    name        text           NOT NULL,
    unit        text           NOT NULL,
    tax_class   text           NOT NULL,
    price       numeric(24, 6),
    barcodes    text[]         NOT NULL,
    active      boolean        NOT NULL,
    tracked     boolean        NOT NULL,
    source      text           NOT NULL,
    changed_at  timestamptz    NOT NULL
);
CREATE INDEX item_barcodes ON catalog.item USING gin (barcodes);
