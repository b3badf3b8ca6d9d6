-- Work of the hub that has failed again and again and has not got on since. Written by whoever works, read by people.
CREATE TABLE operations.stuck (
    work        text        PRIMARY KEY,  -- react placing, backorders, poll erp/items, pump shop, …
    since       timestamptz NOT NULL,
    failed_at   timestamptz NOT NULL,
    failures    integer     NOT NULL CHECK (failures > 0),
    error       text        NOT NULL
);
