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

-- Manifests gave periods before anything ended by them: 1 to 36500 days, and a month from now at least.
UPDATE pictures
SET original_until = greatest(
    added_at + to_days(CAST(least(greatest(
        TRY_CAST(json_extract_string(licence, '$.retain_days') AS DOUBLE), 1), 36500) AS INTEGER)),
    make_timestamp(epoch_us(now())) + INTERVAL 30 DAY
)
WHERE TRY_CAST(json_extract_string(licence, '$.retain_days') AS DOUBLE) IS NOT NULL;

UPDATE pictures
SET preview_until = original_until,
    name_until = original_until,
    review_until = original_until
WHERE original_until IS NOT NULL;

-- What is held, and until when; NULL where nobody says. A release is held while it stands.
CREATE VIEW held AS
SELECT h.picture_id, h.batch_id, h.holding, h.until
FROM (
    SELECT id AS picture_id, batch_id,
        unnest(['original', 'preview', 'name', 'release', 'review']) AS holding,
        unnest([original_until, preview_until, name_until, release_until, review_until]) AS until
    FROM pictures
) AS h
LEFT JOIN shreddings AS s ON s.picture_id = h.picture_id AND s.holding = h.holding
LEFT JOIN receipts AS r ON r.live_picture_id = h.picture_id AND h.holding = 'release'
WHERE CASE WHEN h.holding = 'release' THEN r.release_id IS NOT NULL ELSE s.picture_id IS NULL END;

-- One row: the last sweep, by both clocks of that moment, and whether the wall clock is believed.
CREATE TABLE sweeps (
    swept_at TIMESTAMP NOT NULL,
    boot VARCHAR NOT NULL,              -- of the machine; empty where it cannot be told
    uptime DOUBLE NOT NULL,             -- seconds since then, sleep included
    refused VARCHAR                     -- why there has been none since, a sentence; NULL where all is well
);
