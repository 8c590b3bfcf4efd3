-- Of the batch's policy: share of pictures that a second person decides too.
ALTER TABLE batches ADD COLUMN second_review_share DOUBLE DEFAULT 0;

-- Who settled the plan too, without seeing what made_by had decided; NULL where nobody was asked.
ALTER TABLE plans ADD COLUMN second_made_by VARCHAR;

-- Pictures that two people decide. The second verdict stands for both, with the outcome kept here.
CREATE TABLE second_reviews (
    picture_id VARCHAR NOT NULL,
    first BIGINT NOT NULL,              -- number of the verdict that waits, or waited, for another
    second BIGINT,                      -- number of the other; NULL until then
    decision VARCHAR,                   -- of both: settled, or rejected where either rejected
    regions VARCHAR                     -- of both, JSON: what either marked
);

CREATE VIEW open_second_reviews AS
SELECT s.picture_id, s.first, v.reviewer, v.decision, v.regions
FROM second_reviews AS s
JOIN verdicts AS v ON v.number = s.first
WHERE s.second IS NULL;

CREATE OR REPLACE VIEW standing_decisions AS
SELECT v.number, v.picture_id, v.revision, v.reviewer, coalesce(s.decision, v.decision) AS decision,
    coalesce(s.regions, v.regions) AS regions, v.decided_at
FROM verdicts AS v
LEFT JOIN second_reviews AS s ON s.second = v.number
WHERE v.decision IN ('settled', 'rejected')
  AND v.undone_at IS NULL
  AND v.contested_at IS NULL
  AND v.number NOT IN (SELECT first FROM second_reviews);
