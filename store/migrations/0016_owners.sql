-- Who made a batch, as the audit trail calls them, and may see its originals; NULL for older ones.
ALTER TABLE batches ADD COLUMN owner VARCHAR;
