-- A keyed digest of the original as it came; NULL for one that came before, until it is looked at.
ALTER TABLE pictures ADD COLUMN original VARCHAR;
