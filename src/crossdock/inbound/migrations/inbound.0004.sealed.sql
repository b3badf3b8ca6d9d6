-- What others told us lies sealed: each message under a key of its own, kept apart from it. Deleting the key erases the
-- message wherever it lies, in logs too. Messages from before this file have no key: they lie in clear until they are dropped.

-- In clear before, now part of the sealed body.
ALTER TABLE inbound.message ALTER COLUMN headers DROP NOT NULL;
ALTER TABLE inbound.message ADD COLUMN size integer;              -- of the body as it came; null: from before

-- Documents of open records hold names and addresses, too: sealed under their message's key, like `raw`.
ALTER TABLE inbound.record ALTER COLUMN document TYPE bytea USING convert_to(document::text, 'UTF8');

CREATE TABLE inbound.message_key (
    message      uuid        NOT NULL,
    wrapped_key  bytea,                              -- the message's key under the master key; deleting it is erasing
    erased_at    timestamptz,
    request      text        NOT NULL DEFAULT '',    -- at whose request, as the retailer's own books call it
    PRIMARY KEY (message),
    CONSTRAINT erased_means_no_key CHECK ((wrapped_key IS NULL) = (erased_at IS NOT NULL))
) PARTITION BY RANGE (message);

CREATE TABLE inbound.message_key_default PARTITION OF inbound.message_key DEFAULT;

-- Whom a message tells something of: keyed hashes of what a person, or an order of somebody unknown, is recognised by.
CREATE TABLE inbound.binding (
    handle       bytea       NOT NULL,
    message      uuid        NOT NULL,
    at           timestamptz NOT NULL,               -- when they did what it tells
    PRIMARY KEY (handle, message)
) PARTITION BY RANGE (message);

CREATE TABLE inbound.binding_default PARTITION OF inbound.binding DEFAULT;

-- Who was erased: what was told of them before and is decoded, settled or delivered again later is erased then.
CREATE TABLE inbound.erasure (
    handle       bytea       NOT NULL,
    at           timestamptz NOT NULL,
    request      text        NOT NULL,
    PRIMARY KEY (handle)
);

-- Keys and bindings go with their messages.
CREATE OR REPLACE FUNCTION inbound.drop_month(month text, low uuid, high uuid) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM inbound.inbox WHERE message >= low AND message < high)
       OR EXISTS (SELECT FROM inbound.record
                   WHERE message >= low AND message < high AND state IN ('received', 'waiting', 'quarantined')) THEN
        RETURN false;
    END IF;
    EXECUTE format('DROP TABLE IF EXISTS inbound.%I', 'record_' || month);
    EXECUTE format('DROP TABLE IF EXISTS inbound.%I', 'binding_' || month);
    EXECUTE format('DROP TABLE IF EXISTS inbound.%I', 'message_key_' || month);
    EXECUTE format('DROP TABLE IF EXISTS inbound.%I', 'message_' || month);
    RETURN true;
END;
$$;
