-- By when the customer was promised the goods, and the reservations that the order names; null: nobody said.
ALTER TABLE orders.header ADD COLUMN promised_by timestamptz, ADD COLUMN reservations jsonb;

-- Orders with units that have neither goods nor a day: since when, when to look again, and when people were told.
CREATE TABLE orders.waiting (
    order_id uuid        PRIMARY KEY,
    since    timestamptz NOT NULL,
    look_at  timestamptz NOT NULL,
    told_at  timestamptz
);

CREATE INDEX waiting_look ON orders.waiting (look_at);

-- Those that wait from before: looked at once, so that their units get claims like everybody's.
INSERT INTO orders.waiting (order_id, since, look_at)
SELECT DISTINCT order_id, now(), now() FROM orders.line WHERE backordered > 0;
