-- Months of the log: made ahead, dropped whole. Rows that came before their month was made ready are moved into it.

CREATE FUNCTION eventlog.make_partition(month text, low uuid, high uuid) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    child text := 'event_' || month;
BEGIN
    IF to_regclass('eventlog.' || child) IS NOT NULL THEN
        RETURN false;
    END IF;
    -- Writers wait at the parent: one that has chosen the default partition already would fail when it gets there.
    LOCK TABLE ONLY eventlog.event IN SHARE ROW EXCLUSIVE MODE;
    LOCK TABLE eventlog.event_default IN ACCESS EXCLUSIVE MODE;
    EXECUTE format('CREATE TABLE eventlog.%I (LIKE eventlog.event INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', child);
    -- Moving is the one thing that takes rows out of a partition; nobody else can write while the lock is held.
    ALTER TABLE eventlog.event_default DISABLE TRIGGER event_is_append_only;
    EXECUTE format(
        'WITH moved AS (DELETE FROM eventlog.event_default WHERE id >= $1 AND id < $2 RETURNING *) '
        'INSERT INTO eventlog.%I SELECT * FROM moved', child) USING low, high;
    ALTER TABLE eventlog.event_default ENABLE TRIGGER event_is_append_only;
    EXECUTE format('ALTER TABLE eventlog.event ATTACH PARTITION eventlog.%I FOR VALUES FROM (%L) TO (%L)',
                   child, low, high);
    RETURN true;
END;
$$;

-- Drops a month, unless a reader has not passed it or it is not sealed. True when it is gone.
CREATE FUNCTION eventlog.drop_month(month text, low uuid, high uuid) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT xid, position FROM eventlog.event WHERE id >= low AND id < high
                      ORDER BY xid DESC, position DESC LIMIT 1) AS last
         WHERE EXISTS (SELECT FROM eventlog.cursor AS c WHERE (c.xid, c.position) < (last.xid, last.position))
            OR NOT EXISTS (SELECT FROM eventlog.seal AS s WHERE (s.xid, s.position) >= (last.xid, last.position))
    ) THEN
        RETURN false;
    END IF;
    EXECUTE format('DROP TABLE IF EXISTS eventlog.%I', 'event_' || month);
    RETURN true;
END;
$$;
