-- Who took a reservation over and alone may end it: the order that named it. One at most, for ever.
ALTER TABLE inventory.reservation ADD COLUMN owner text;
