-- depends: foundation.0001.commit_order
-- Stops of the moment. A switch is never deleted: a past number is explained with those in force then.
CREATE TABLE availability.switch (
    id            uuid          PRIMARY KEY,
    sku           text,
    category      text,
    channel       text,
    location      text,
    owner         text          NOT NULL CHECK (owner <> ''),
    reason        text          NOT NULL,
    since         timestamptz   NOT NULL,
    until         timestamptz   CHECK (until > since),
    ended_at      timestamptz   CHECK (ended_at >= since),
    ended_by      text,
    xid           xid8          NOT NULL DEFAULT foundation.place(),
    CONSTRAINT switch_stops_something CHECK (num_nonnulls(sku, category, channel, location) > 0),
    CONSTRAINT switch_is_for_an_item_or_a_category CHECK (num_nonnulls(sku, category) < 2),
    CONSTRAINT switch_was_ended_by_somebody CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE INDEX switch_order ON availability.switch (xid);
CREATE INDEX switch_open ON availability.switch (until) WHERE ended_at IS NULL;

-- Items whose numbers must be computed anew although their stock did not move: a switch, a new category, another kit.
CREATE TABLE availability.dirty (
    sku           text          PRIMARY KEY,
    marked_at     timestamptz   NOT NULL
);

-- When each source of stock was heard, and when we knew it: insert-only, so that a past moment sees what was known then.
CREATE TABLE availability.heard (
    source        text          NOT NULL,
    noted_at      timestamptz   NOT NULL,
    heard_at      timestamptz   NOT NULL,
    PRIMARY KEY (source, noted_at)
);

-- What left per day, counted from the ledger hour by hour, while a rule of the estate asks for it.
CREATE TABLE availability.sold (
    sku           text          NOT NULL,
    location      text          NOT NULL,
    day           date          NOT NULL,
    units         numeric(24,6) NOT NULL,
    PRIMARY KEY (sku, location, day)
);
CREATE INDEX sold_day ON availability.sold USING brin (day);

CREATE TABLE availability.pace_progress (
    single        boolean       PRIMARY KEY DEFAULT true CHECK (single),
    counted_from  timestamptz   NOT NULL,
    counted_until timestamptz   NOT NULL
);
