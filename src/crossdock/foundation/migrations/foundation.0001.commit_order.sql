-- In which order logs are read, and how far. A row's place is not simply its transaction: one that began early, waited
-- for a lock and wrote late would be read before what it had waited for. So a row comes after every transaction that had
-- ended when its statement began, and never before its own.
CREATE SCHEMA foundation;

-- What is added to the server's transaction numbers: 0, until a database comes back on a server that counts from the
-- beginning. The body is replaced then; a constant costs nothing in the statements that use it.
CREATE FUNCTION foundation.shift() RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT 0::bigint';

-- Where a row that is written now shall be read. pg_snapshot_xmax - 1 is the last transaction that has ended.
CREATE FUNCTION foundation.place() RETURNS xid8 LANGUAGE sql STABLE AS $$
    SELECT (greatest(pg_current_xact_id()::text::bigint, pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1)
            + foundation.shift())::text::xid8
$$;

-- Readers stay below it: whoever could still write there has ended, for no row's place lies before its own transaction.
CREATE FUNCTION foundation.horizon() RETURNS xid8 LANGUAGE sql STABLE AS $$
    SELECT (pg_snapshot_xmin(pg_current_snapshot())::text::bigint + foundation.shift())::text::xid8
$$;
