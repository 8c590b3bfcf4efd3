-- The digest of the plan that the person looked at. Verdicts kept before have none.
ALTER TABLE verdicts ADD COLUMN plan VARCHAR;
