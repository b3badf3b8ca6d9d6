-- Which days have receipts of some hours ago: rows lie in the order in which they were recorded.
CREATE INDEX receipt_recorded ON finance.receipt USING brin (recorded_at);
