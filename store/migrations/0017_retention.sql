-- What of a picture was destroyed, or is being destroyed where ended_at is NULL; see store/retention.
CREATE TABLE shreddings (
    picture_id VARCHAR NOT NULL,
    holding VARCHAR NOT NULL,           -- original, preview, name, release or review
    cause VARCHAR NOT NULL,             -- deadline, or request
    begun_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP,
    PRIMARY KEY (picture_id, holding)
);

-- Until when each is held; NULL for as long as nobody says otherwise.
ALTER TABLE pictures ADD COLUMN original_until TIMESTAMP;
ALTER TABLE pictures ADD COLUMN preview_until TIMESTAMP;
ALTER TABLE pictures ADD COLUMN name_until TIMESTAMP;
ALTER TABLE pictures ADD COLUMN release_until TIMESTAMP;
ALTER TABLE pictures ADD COLUMN review_until TIMESTAMP;

-- One row: when the sweeper last did its work, by the clock of that day.
CREATE TABLE sweeps (
    swept_at TIMESTAMP NOT NULL,
    refused_at TIMESTAMP                -- since when the clock is not believed; NULL where it is
);
