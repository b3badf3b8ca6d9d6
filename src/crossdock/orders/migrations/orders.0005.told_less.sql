-- How few units of a line the channel has ever wanted, where that is less than was accepted: more than that again is an
-- edit, while an order that was cancelled in part by us may be told with any number in between until the channel knows.
CREATE TABLE orders.told_less (
    order_id uuid    NOT NULL,
    line_id  text    NOT NULL,
    wanted   numeric NOT NULL CHECK (wanted >= 0),
    PRIMARY KEY (order_id, line_id),
    FOREIGN KEY (order_id, line_id) REFERENCES orders.line
);
