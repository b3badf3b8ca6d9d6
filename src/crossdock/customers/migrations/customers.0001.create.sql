-- People. Names and addresses lie here sealed and nowhere else; identities are keyed hashes.
CREATE SCHEMA customers;

CREATE TABLE customers.subject (
    subject_id   uuid        PRIMARY KEY,
    connection   text        NOT NULL,
    identity     bytea,                  -- keyed hash of the channel's customer id or e-mail; null: cannot be recognised
    wrapped_key  bytea,                  -- the data key under the master key; deleting it erases the person
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    erased_at    timestamptz,
    CONSTRAINT subject_identity UNIQUE (connection, identity),
    CONSTRAINT erased_means_no_key CHECK ((wrapped_key IS NULL) = (erased_at IS NOT NULL)),
    CONSTRAINT erased_means_unrecognisable CHECK (erased_at IS NULL OR identity IS NULL)
);

-- No foreign key: contacts are written in the statement after their subject, which is never deleted.
CREATE TABLE customers.contact (
    contact_id   uuid        PRIMARY KEY,
    subject_id   uuid        NOT NULL,
    sealed       bytea       NOT NULL,   -- AES-256-GCM, bound to contact_id
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX contact_subject ON customers.contact (subject_id);
