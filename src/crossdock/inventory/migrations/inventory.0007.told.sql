-- What was said of each line under way, and when: insert-only, so that a past moment knows what was expected then.
CREATE TABLE inventory.expected_told (
    seq               bigint        GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind              text          NOT NULL,
    reference         text          NOT NULL,
    line              text          NOT NULL,
    sku               text          NOT NULL,
    location          text          NOT NULL,
    condition         text          NOT NULL,
    due_at            timestamptz,
    open              numeric(24,6) NOT NULL,
    recorded_at       timestamptz   NOT NULL
);
CREATE INDEX expected_told_of ON inventory.expected_told (sku, recorded_at);
CREATE INDEX expected_told_line ON inventory.expected_told (kind, reference, line, seq);

INSERT INTO inventory.expected_told (kind, reference, line, sku, location, condition, due_at, open, recorded_at)
SELECT kind, reference, line, sku, location, condition, due_at, open, now() FROM inventory.expected WHERE open > 0;

-- Whose day comes next: what was promised from it changes then, although nothing is booked.
CREATE INDEX expected_due ON inventory.expected (due_at) WHERE open > 0;
