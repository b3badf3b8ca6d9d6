-- What people see of each connection, and who may act for it.
CREATE SCHEMA connections;

CREATE TYPE connections.connection_state AS ENUM ('working', 'stopped', 'broken');
CREATE TYPE connections.breaker_state AS ENUM ('closed', 'open', 'half_open');

CREATE TABLE connections.connection (
    name        text        PRIMARY KEY,
    state       connections.connection_state NOT NULL DEFAULT 'working',
    reason      text        NOT NULL DEFAULT '',
    since       timestamptz NOT NULL DEFAULT clock_timestamp(),
    breaker     connections.breaker_state NOT NULL DEFAULT 'closed',
    failures    integer     NOT NULL DEFAULT 0,
    retry_at    timestamptz,                     -- when an open circuit is tried again
    points      double precision,                -- left of the vendor's cost bucket
    answered_at timestamptz,
    failed_at   timestamptz,
    failure     text        NOT NULL DEFAULT ''
);

-- The right to act for a name. The token only ever rises: a holder that was presumed dead writes with an old one and is refused.
CREATE TABLE connections.lease (
    name        text        PRIMARY KEY,
    holder      text        NOT NULL,
    token       bigint      NOT NULL CHECK (token > 0),
    until       timestamptz NOT NULL,
    taken_at    timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);  -- renewed every few seconds in place
