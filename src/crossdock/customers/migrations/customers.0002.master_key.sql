-- Which master key wraps the keys of people: a keyed hash of nothing secret. A hub with another key cannot read them.
CREATE TABLE customers.master_key (
    one   boolean  PRIMARY KEY DEFAULT true CHECK (one),
    mark  bytea    NOT NULL
);
