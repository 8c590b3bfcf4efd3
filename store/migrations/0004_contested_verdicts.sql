-- When a witness saw something in the result and the picture went to a person again.
ALTER TABLE verdicts ADD COLUMN contested_at TIMESTAMP;
