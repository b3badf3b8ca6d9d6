-- Intents that wait behind an earlier one of their key are not looked at with every claim: thousands behind one cause
-- would be. The flag only saves looking: the claim checks the order itself, and a sweep puts wrong flags right.

ALTER TABLE outbound.intent ADD COLUMN blocked boolean NOT NULL DEFAULT false;
CREATE INDEX intent_startable ON outbound.intent (connection, priority, position) WHERE state = 'pending' AND NOT blocked;
CREATE INDEX intent_blocked ON outbound.intent (connection, business_key) WHERE state = 'pending' AND blocked;
DROP INDEX outbound.intent_pending;
