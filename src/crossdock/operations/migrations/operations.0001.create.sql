-- Exceptions: business matters that need a person. One open exception per key; repetitions are counted on it.
CREATE SCHEMA operations;

CREATE TYPE operations.exception_state AS ENUM ('open', 'closed');

CREATE TABLE operations.exception (
    id              uuid        PRIMARY KEY,
    type            text        NOT NULL,  -- message_unreadable, order_unknown_sku, intent_parked, …
    key             text        NOT NULL,  -- what makes it the same matter
    subject         text        NOT NULL,  -- the business object: order/019a…, receipt/S01-2-…, stock/SKU@LOC
    path            text        NOT NULL,  -- the field, where there is one: $.lines[0].sku
    detail          text        NOT NULL,
    owner           text        NOT NULL,
    state           operations.exception_state NOT NULL DEFAULT 'open',
    opened_at       timestamptz NOT NULL,
    due_at          timestamptz NOT NULL,
    occurrences     integer     NOT NULL DEFAULT 1 CHECK (occurrences > 0),
    amount          numeric(24, 6),
    currency        text,
    correlation_id  uuid        NOT NULL,
    closed_at       timestamptz,
    resolution      text,
    CHECK ((state = 'closed') = (closed_at IS NOT NULL)),
    CHECK ((amount IS NULL) = (currency IS NULL))
);
CREATE UNIQUE INDEX exception_open_once ON operations.exception (key) WHERE state = 'open';
CREATE INDEX exception_worklist ON operations.exception (owner, due_at) WHERE state = 'open';
CREATE INDEX exception_subject ON operations.exception (subject);
