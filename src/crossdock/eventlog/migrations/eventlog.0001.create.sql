-- The log of facts. Insert-only; partitioned by id (UUIDv7, so by time); old partitions are dropped, never deleted from.
CREATE SCHEMA eventlog;

CREATE TABLE eventlog.event (
    id              uuid        NOT NULL,
    xid             xid8        NOT NULL DEFAULT pg_current_xact_id(),  -- commit horizon: readers stay below it
    position        bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    stream          text        NOT NULL,  -- e.g. order/019a…, what the fact is about
    type            text        NOT NULL,  -- e.g. order.accepted
    schema_version  smallint    NOT NULL,
    happened_at     timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    correlation_id  uuid        NOT NULL,  -- the trace this belongs to
    causation_id    uuid,                  -- the message, fact or intent that led here
    source          text        NOT NULL,  -- connection or component that said it
    payload         jsonb       NOT NULL,
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);

CREATE INDEX event_order ON eventlog.event (xid, position);
CREATE INDEX event_stream ON eventlog.event (stream, xid, position);
CREATE INDEX event_correlation ON eventlog.event (correlation_id);

CREATE TABLE eventlog.event_default PARTITION OF eventlog.event DEFAULT;

-- Where each reader stands. A reader moves its cursor in the transaction that holds the effect.
CREATE TABLE eventlog.cursor (
    name        text        PRIMARY KEY,
    xid         xid8        NOT NULL,
    position    bigint      NOT NULL,
    moved_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Tamper evidence: each seal hashes a run of events together with the seal before it.
CREATE TABLE eventlog.seal (
    number      bigint      PRIMARY KEY,
    xid         xid8        NOT NULL,
    position    bigint      NOT NULL,
    events      integer     NOT NULL CHECK (events > 0),
    hash        bytea       NOT NULL CHECK (octet_length(hash) = 32),
    sealed_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE FUNCTION eventlog.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'facts are never changed: % on %.% refused', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END;
$$;

CREATE TRIGGER event_is_append_only BEFORE UPDATE OR DELETE ON eventlog.event
    FOR EACH ROW EXECUTE FUNCTION eventlog.refuse_change();
