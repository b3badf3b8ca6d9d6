-- API keys (hashed: 256 random bits need no slow hash) and answers kept for Idempotency-Key.
CREATE SCHEMA gateway;

CREATE TABLE gateway.api_key (
    id          uuid        PRIMARY KEY,
    name        text        NOT NULL,
    hash        bytea       NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    scopes      text[]      NOT NULL,
    channel     text,                          -- limits order intake to one channel
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz,
    revoked_at  timestamptz
);
CREATE UNIQUE INDEX api_key_name ON gateway.api_key (name) WHERE revoked_at IS NULL;

-- One row per (API key, Idempotency-Key): written in the transaction of the effect.
CREATE TABLE gateway.idempotency (
    api_key     uuid        NOT NULL,
    key         text        NOT NULL,
    digest      bytea       NOT NULL,
    status      smallint    NOT NULL,
    answer      bytea       NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (api_key, key)
);
CREATE INDEX idempotency_age ON gateway.idempotency (created_at);
