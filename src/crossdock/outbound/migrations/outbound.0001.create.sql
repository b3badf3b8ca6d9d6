-- What other systems are asked to do, and every try.
CREATE SCHEMA outbound;

CREATE TYPE outbound.intent_state AS ENUM
    ('pending', 'sending', 'in_doubt', 'parked', 'landed', 'refused', 'superseded', 'withdrawn');
CREATE TYPE outbound.outcome AS ENUM ('open', 'applied', 'applied_by_hand', 'declined', 'not_wanted', 'to_undo');
CREATE TYPE outbound.verdict AS ENUM
    ('landed', 'refused', 'stale', 'absent', 'not_sent', 'throttled', 'unknown', 'broken', 'unmapped', 'by_hand');
CREATE TYPE outbound.purpose AS ENUM ('send', 'probe', 'hand');

CREATE TABLE outbound.intent (
    id             uuid        PRIMARY KEY,
    position       bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,  -- one deriver writes: this is commit order
    kind           text        NOT NULL,
    connection     text        NOT NULL,
    flow           text        NOT NULL,
    reference      text        NOT NULL,           -- derived from the business fact: every try carries the same one
    business_key   text        NOT NULL,           -- intents of one key keep their order
    subject        text        NOT NULL,           -- order/019a…
    document       jsonb,                          -- NULL: built when it is sent, because it holds personal data
    state          outbound.intent_state NOT NULL DEFAULT 'pending',
    outcome        outbound.outcome NOT NULL DEFAULT 'open',
    wanted         boolean     NOT NULL DEFAULT true,   -- false: its reason went away while it was on its way
    unsure         boolean     NOT NULL DEFAULT false,  -- may have been applied, nothing found out since
    cause          text        NOT NULL DEFAULT '',
    reason         text        NOT NULL DEFAULT '',
    path           text        NOT NULL DEFAULT '',
    priority       integer     NOT NULL,
    due_at         timestamptz NOT NULL,
    attempts       integer     NOT NULL DEFAULT 0,
    failures       integer     NOT NULL DEFAULT 0,
    token          bigint      NOT NULL DEFAULT 0,      -- of the lease under which it was last touched: the fence
    document_id    text        NOT NULL DEFAULT '',
    number         text        NOT NULL DEFAULT '',
    correlation_id uuid        NOT NULL,
    cause_fact     uuid,
    created_at     timestamptz NOT NULL,
    changed_at     timestamptz NOT NULL,
    landed_at      timestamptz,
    CONSTRAINT intent_once UNIQUE (connection, kind, reference),
    CONSTRAINT intent_landed_has_document CHECK (state <> 'landed' OR document_id <> '' AND landed_at IS NOT NULL),
    CONSTRAINT intent_parked_has_cause CHECK (state <> 'parked' OR cause <> ''),
    CONSTRAINT intent_unsure_is_never_sent CHECK (NOT unsure OR state IN ('in_doubt', 'parked'))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);

CREATE INDEX intent_pending ON outbound.intent (connection, priority, position) WHERE state = 'pending';
CREATE INDEX intent_in_doubt ON outbound.intent (connection, due_at) WHERE state = 'in_doubt';
CREATE INDEX intent_open_key ON outbound.intent (connection, business_key, position)
    WHERE state IN ('pending', 'sending', 'in_doubt', 'parked', 'refused');
CREATE INDEX intent_cause ON outbound.intent (connection, cause) WHERE state = 'parked';
CREATE INDEX intent_subject ON outbound.intent (subject);
CREATE INDEX intent_key ON outbound.intent (business_key);

-- Every try, for ever; partitioned by id (UUIDv7, so by time).
CREATE TABLE outbound.attempt (
    id         uuid        NOT NULL,
    intent_id  uuid        NOT NULL,
    number     integer     NOT NULL,
    purpose    outbound.purpose NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at   timestamptz NOT NULL,
    verdict    outbound.verdict NOT NULL,
    reason     text        NOT NULL,
    code       text        NOT NULL,
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE INDEX attempt_intent ON outbound.attempt (intent_id, id);
CREATE TABLE outbound.attempt_default PARTITION OF outbound.attempt DEFAULT;

CREATE FUNCTION outbound.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'attempts are never changed: % on %.% refused', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END;
$$;
CREATE TRIGGER attempt_is_append_only BEFORE UPDATE OR DELETE ON outbound.attempt
    FOR EACH ROW EXECUTE FUNCTION outbound.refuse_change();

-- Where each order came from, as the facts told it: shipments are reported there and nowhere else.
CREATE TABLE outbound.order_origin (
    order_id         text    PRIMARY KEY,
    connection       text    NOT NULL,
    channel          text    NOT NULL,
    channel_order_id text    NOT NULL,
    total            numeric NOT NULL,
    currency         text    NOT NULL,
    shipped          boolean NOT NULL,
    cancelled        boolean NOT NULL
);

-- State flows (stock) have no row per change: one row per batch sent.
CREATE TABLE outbound.publication (
    id           uuid        NOT NULL,
    connection   text        NOT NULL,
    kind         text        NOT NULL,
    started_at   timestamptz NOT NULL,
    ended_at     timestamptz NOT NULL,
    verdict      outbound.verdict NOT NULL,
    reason       text        NOT NULL,
    sent         integer     NOT NULL,
    confirmed    integer     NOT NULL,
    stale        integer     NOT NULL,
    refused      integer     NOT NULL,
    freshness_ms integer[]   NOT NULL,  -- per confirmed item: from the change to the confirmation
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE INDEX publication_connection ON outbound.publication (connection, kind, id);
CREATE TABLE outbound.publication_default PARTITION OF outbound.publication DEFAULT;
