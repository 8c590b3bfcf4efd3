-- What is private of a picture, sealed under its key; the columns of before are emptied at the start.
ALTER TABLE pictures ALTER COLUMN source DROP NOT NULL;
ALTER TABLE pictures ADD COLUMN sealed_source BLOB;
ALTER TABLE pictures ADD COLUMN source_lookup VARCHAR;  -- HMAC of the name: equal for equal names
ALTER TABLE pictures ADD COLUMN sealed_licence BLOB;
ALTER TABLE pictures ADD COLUMN sealed_reason BLOB;     -- where a program gave it; `reason` is ours

-- Of a batch, under a key of its own.
ALTER TABLE batches ALTER COLUMN name DROP NOT NULL;
ALTER TABLE batches ADD COLUMN sealed_name BLOB;

-- Of an evaluation, under a key of its own: what it is of, where that lies, and each labelled picture.
ALTER TABLE evaluations ALTER COLUMN name DROP NOT NULL;
ALTER TABLE evaluations ALTER COLUMN source DROP NOT NULL;
ALTER TABLE evaluations ALTER COLUMN problems DROP NOT NULL;
ALTER TABLE evaluations ADD COLUMN sealed_name BLOB;
ALTER TABLE evaluations ADD COLUMN sealed_source BLOB;
ALTER TABLE evaluations ADD COLUMN sealed_problems BLOB;  -- JSON
ALTER TABLE predictions ALTER COLUMN labelled DROP NOT NULL;
ALTER TABLE predictions ADD COLUMN sealed_labelled BLOB;
ALTER TABLE predictions ADD COLUMN sealed_reason BLOB;

-- A row for each start that sealed texts in place: pages of the file hold the old ones until it is
-- written anew, and the new one has no row.
CREATE TABLE sealed_in_place (texts BIGINT NOT NULL);
