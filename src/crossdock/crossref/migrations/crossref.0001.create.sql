-- Who is who, per connection. A pair is unique both ways: one of ours is one of theirs.
CREATE SCHEMA crossref;

CREATE TABLE crossref.identity (
    connection  text        NOT NULL,
    kind        text        NOT NULL,  -- sku, location, customer, order
    ours        text        NOT NULL,
    theirs      text        NOT NULL,
    how         text        NOT NULL,  -- rule:code, rule:barcode, hand, learnt
    linked_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (connection, kind, ours),
    CONSTRAINT identity_theirs_once UNIQUE (connection, kind, theirs)
);

-- Documents that have landed: our reference is one document of theirs, and the reverse.
CREATE TABLE crossref.document (
    connection  text        NOT NULL,
    kind        text        NOT NULL,  -- sale.post, shipment.post, …: the intent's kind
    reference   text        NOT NULL,
    document_id text        NOT NULL,
    number      text        NOT NULL,
    subject     text        NOT NULL,  -- order/019a…
    landed_at   timestamptz NOT NULL,
    PRIMARY KEY (connection, kind, reference),
    CONSTRAINT document_once UNIQUE (connection, kind, document_id)
);
CREATE INDEX document_subject ON crossref.document (subject);

-- What the other side has, as last read: the material for matching.
CREATE TABLE crossref.theirs (
    connection  text        NOT NULL,
    kind        text        NOT NULL,
    id          text        NOT NULL,
    code        text        NOT NULL,
    name        text        NOT NULL,
    barcodes    text[]      NOT NULL,
    seen_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (connection, kind, id)
);
