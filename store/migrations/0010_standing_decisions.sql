-- What reviewers decided and still holds: neither too late, nor undone, nor contested by the release check.
CREATE VIEW standing_decisions AS
SELECT number, picture_id, revision, reviewer, decision, regions, decided_at
FROM verdicts
WHERE decision IN ('settled', 'rejected')
  AND undone_at IS NULL
  AND contested_at IS NULL;
