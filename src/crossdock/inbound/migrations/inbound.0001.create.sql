-- What others told us, as they said it, and what became of each record in it.
CREATE SCHEMA inbound;

-- Raw messages. Insert-only; partitioned by id (UUIDv7, so by time); old partitions are dropped, never deleted from.
CREATE TABLE inbound.message (
    id           uuid        NOT NULL,
    connection   text        NOT NULL,
    route        text        NOT NULL CHECK (route IN ('webhook', 'poll', 'file', 'upload', 'load')),
    feed         text        NOT NULL,  -- webhook topic, pull, drop or load
    headers      jsonb       NOT NULL,
    body         bytea       NOT NULL,
    received_at  timestamptz NOT NULL,
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);

CREATE TABLE inbound.message_default PARTITION OF inbound.message DEFAULT;

-- Messages that nobody has decoded yet. A row goes in the transaction that writes the message's records.
CREATE TABLE inbound.inbox (
    connection   text        NOT NULL,
    message      uuid        NOT NULL,
    size         integer     NOT NULL,
    PRIMARY KEY (connection, message)
);

-- One row per record of a message. `document` is kept while the record is open; the raw message stays the truth.
CREATE TABLE inbound.record (
    message        uuid        NOT NULL,
    number         integer     NOT NULL,             -- its place in the message
    connection     text        NOT NULL,
    route          text        NOT NULL,
    feed           text        NOT NULL,
    lane           smallint    NOT NULL,             -- from the key: one worker at a time per connection and lane
    key            text        NOT NULL,             -- business key; '' when it could not be read
    event_id       text        NOT NULL,             -- '' when it could not be read
    kind           text        NOT NULL,             -- tag of the document; '' when damaged
    document       jsonb,
    waits_for      text        NOT NULL DEFAULT '',
    state          text        NOT NULL CHECK (state IN ('received', 'waiting', 'quarantined', 'applied', 'repeated',
                                                         'own', 'rejected', 'dismissed')),
    whole          boolean     NOT NULL DEFAULT false, -- stands for a message of which nothing could be read
    path           text        NOT NULL DEFAULT '',
    reason         text        NOT NULL DEFAULT '',
    raw            bytea,                            -- the record alone, or what a person put in its place
    trace          uuid        NOT NULL,
    received_at    timestamptz NOT NULL,
    attempts       smallint    NOT NULL DEFAULT 0,
    waiting_since  timestamptz,
    retry_at       timestamptz,
    deadline       timestamptz,
    alarmed        boolean     NOT NULL DEFAULT false, -- a person was asked
    settled_at     timestamptz,
    settled_by     text        NOT NULL DEFAULT '',
    PRIMARY KEY (message, number)
) PARTITION BY RANGE (message);

CREATE TABLE inbound.record_default PARTITION OF inbound.record DEFAULT;

CREATE INDEX record_lane ON inbound.record (connection, lane, message, number) WHERE state = 'received';
CREATE INDEX record_blocking ON inbound.record (connection, key, message, number)
    WHERE state IN ('waiting', 'quarantined');
CREATE INDEX record_parent ON inbound.record (waits_for) WHERE state = 'waiting';
CREATE INDEX record_retry ON inbound.record (retry_at) WHERE state = 'waiting';
CREATE INDEX record_key ON inbound.record (connection, key);

-- Business events that were taken in. Not partitioned: the unique key is the promise.
CREATE TABLE inbound.seen (
    connection   text        NOT NULL,
    event_id     text        NOT NULL,
    message      uuid        NOT NULL,
    number       integer     NOT NULL,
    seen_at      timestamptz NOT NULL,
    PRIMARY KEY (connection, event_id)
);

CREATE INDEX seen_age ON inbound.seen USING brin (seen_at);

-- Where each polled feed and each first load stands, and when a feed was last heard.
CREATE TABLE inbound.cursor (
    connection    text        NOT NULL,
    route         text        NOT NULL,
    feed          text        NOT NULL,
    cursor        text        NOT NULL DEFAULT '',
    pages         bigint      NOT NULL DEFAULT 0,
    page_hash     bytea,                             -- of the page stored last: an unchanged page is not stored again
    heard_at      timestamptz NOT NULL,
    silent_since  timestamptz,
    finished_at   timestamptz,
    PRIMARY KEY (connection, route, feed)
);

-- Partitions are made ahead; rows that came before theirs was made are moved over. Safe to repeat.
CREATE FUNCTION inbound.make_partition(parent text, month text, low uuid, high uuid) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    child text := parent || '_' || month;
    id_column text := CASE parent WHEN 'message' THEN 'id' ELSE 'message' END;
BEGIN
    IF to_regclass('inbound.' || child) IS NOT NULL THEN
        RETURN false;
    END IF;
    -- Writers wait at the parent: one that has chosen the default partition already would fail when it gets there.
    EXECUTE format('LOCK TABLE ONLY inbound.%I IN SHARE ROW EXCLUSIVE MODE', parent);
    EXECUTE format('LOCK TABLE inbound.%I IN ACCESS EXCLUSIVE MODE', parent || '_default');
    EXECUTE format('CREATE TABLE inbound.%I (LIKE inbound.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', child, parent);
    EXECUTE format(
        'WITH moved AS (DELETE FROM inbound.%I WHERE %I >= $1 AND %I < $2 RETURNING *) INSERT INTO inbound.%I SELECT * FROM moved',
        parent || '_default', id_column, id_column, child) USING low, high;
    EXECUTE format('ALTER TABLE inbound.%I ATTACH PARTITION inbound.%I FOR VALUES FROM (%L) TO (%L)',
                   parent, child, low, high);
    RETURN true;
END;
$$;

-- Drops a month of messages and records, unless something in it is still open. True when it is gone.
CREATE FUNCTION inbound.drop_month(month text, low uuid, high uuid) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM inbound.inbox WHERE message >= low AND message < high)
       OR EXISTS (SELECT FROM inbound.record
                   WHERE message >= low AND message < high AND state IN ('received', 'waiting', 'quarantined')) THEN
        RETURN false;
    END IF;
    EXECUTE format('DROP TABLE IF EXISTS inbound.%I', 'record_' || month);
    EXECUTE format('DROP TABLE IF EXISTS inbound.%I', 'message_' || month);
    RETURN true;
END;
$$;
