-- Who was erased, and when: what was said about them before that and comes in late must not bring them back.
-- Keyed hashes only, and forgotten when messages of that time are not kept any more.
CREATE TABLE customers.erasure (
    connection  text        NOT NULL,
    identity    bytea       NOT NULL,
    subject_id  uuid        NOT NULL,
    erased_at   timestamptz NOT NULL,
    PRIMARY KEY (connection, identity)
);
