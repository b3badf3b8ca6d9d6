-- Months of receipts, by business day: made ahead; receipts that came before their month was made ready are moved into it.
-- The previous release goes on as before: it writes to the parent, and PostgreSQL finds the month.

CREATE FUNCTION finance.make_partition(month text, low date, high date) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    child text := 'receipt_' || month;
BEGIN
    IF to_regclass('finance.' || child) IS NOT NULL THEN
        RETURN false;
    END IF;
    -- Writers wait at the parent: one that has chosen the default partition already would fail when it gets there.
    LOCK TABLE ONLY finance.receipt IN SHARE ROW EXCLUSIVE MODE;
    LOCK TABLE finance.receipt_default IN ACCESS EXCLUSIVE MODE;
    EXECUTE format('CREATE TABLE finance.%I (LIKE finance.receipt INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', child);
    EXECUTE format(
        'WITH moved AS (DELETE FROM finance.receipt_default WHERE business_day >= $1 AND business_day < $2 RETURNING *) '
        'INSERT INTO finance.%I SELECT * FROM moved', child) USING low, high;
    EXECUTE format('ALTER TABLE finance.receipt ATTACH PARTITION finance.%I FOR VALUES FROM (%L) TO (%L)',
                   child, low, high);
    RETURN true;
END;
$$;
