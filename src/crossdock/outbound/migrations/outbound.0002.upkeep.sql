-- Months of attempts and publications: made ahead, dropped whole. Settled intents and origins of orders are forgotten by age.

ALTER TABLE outbound.order_origin ADD COLUMN known_since timestamptz NOT NULL DEFAULT clock_timestamp();
CREATE INDEX order_origin_age ON outbound.order_origin (known_since);
CREATE INDEX intent_settled ON outbound.intent (changed_at) WHERE state IN ('landed', 'superseded', 'withdrawn');

CREATE FUNCTION outbound.make_partition(parent text, month text, low uuid, high uuid) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    child text := parent || '_' || month;
BEGIN
    IF to_regclass('outbound.' || child) IS NOT NULL THEN
        RETURN false;
    END IF;
    -- Writers wait at the parent: one that has chosen the default partition already would fail when it gets there.
    EXECUTE format('LOCK TABLE ONLY outbound.%I IN SHARE ROW EXCLUSIVE MODE', parent);
    EXECUTE format('LOCK TABLE outbound.%I IN ACCESS EXCLUSIVE MODE', parent || '_default');
    EXECUTE format('CREATE TABLE outbound.%I (LIKE outbound.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', child, parent);
    -- Moving is the one thing that takes rows out of a partition; nobody else can write while the lock is held.
    EXECUTE format('ALTER TABLE outbound.%I DISABLE TRIGGER USER', parent || '_default');
    EXECUTE format(
        'WITH moved AS (DELETE FROM outbound.%I WHERE id >= $1 AND id < $2 RETURNING *) '
        'INSERT INTO outbound.%I SELECT * FROM moved', parent || '_default', child) USING low, high;
    EXECUTE format('ALTER TABLE outbound.%I ENABLE TRIGGER USER', parent || '_default');
    EXECUTE format('ALTER TABLE outbound.%I ATTACH PARTITION outbound.%I FOR VALUES FROM (%L) TO (%L)',
                   parent, child, low, high);
    RETURN true;
END;
$$;

CREATE FUNCTION outbound.drop_month(month text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('DROP TABLE IF EXISTS outbound.%I, outbound.%I', 'attempt_' || month, 'publication_' || month);
END;
$$;
