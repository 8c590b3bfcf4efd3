-- Releases that nobody should use any more, in the order they were revoked; a row once made stays.
CREATE TABLE revocations (
    number INTEGER PRIMARY KEY,         -- from 1 on without a gap
    release_id VARCHAR NOT NULL UNIQUE,
    reason VARCHAR NOT NULL,            -- of store.releases.revocations.Reason; stays inside
    revoked_at TIMESTAMP NOT NULL
);

-- Of the batch's policy: whether a second person must say yes before it is downloaded.
ALTER TABLE batches ADD COLUMN four_eyes BOOLEAN DEFAULT FALSE;

-- That second person's yes, for each release.
CREATE TABLE approvals (
    release_id VARCHAR PRIMARY KEY,
    actor VARCHAR NOT NULL,             -- as the audit trail calls them
    approved_at TIMESTAMP NOT NULL
);
