CREATE SEQUENCE batch_numbers;
CREATE SEQUENCE picture_numbers;
CREATE SEQUENCE verdict_numbers;

CREATE TABLE batches (
    id VARCHAR PRIMARY KEY,
    number BIGINT NOT NULL DEFAULT nextval('batch_numbers'),
    name VARCHAR NOT NULL,
    policy_toml VARCHAR NOT NULL,
    policy VARCHAR NOT NULL,            -- fingerprint
    format VARCHAR NOT NULL,            -- same, png or jpeg
    require_licence BOOLEAN NOT NULL,
    run VARCHAR UNIQUE,                 -- id of the command-line run it was taken in from
    created_at TIMESTAMP NOT NULL,
    started_at TIMESTAMP,
    cancelled_at TIMESTAMP
);

CREATE TABLE pictures (
    id VARCHAR PRIMARY KEY,
    number BIGINT NOT NULL DEFAULT nextval('picture_numbers'),
    batch_id VARCHAR NOT NULL,
    source VARCHAR NOT NULL,            -- the name it came with
    licence VARCHAR,                    -- manifest entry, JSON
    state VARCHAR NOT NULL,
    came_from VARCHAR,                  -- while working: the state to go back to
    reason VARCHAR,                     -- why it is quarantined, a sentence
    attempts INTEGER NOT NULL DEFAULT 0,
    audit_sample BOOLEAN NOT NULL DEFAULT FALSE,
    risk DOUBLE NOT NULL DEFAULT 0,
    revision INTEGER NOT NULL DEFAULT 0,
    claimed_by VARCHAR,
    claimed_at TIMESTAMP,
    claimed_until TIMESTAMP,
    added_at TIMESTAMP NOT NULL,
    prepared_at TIMESTAMP,              -- when the machine was last done with it
    changed_at TIMESTAMP NOT NULL
);

-- Append-only: revision 0 is the machine's, and stays for ever beside what people decided.
CREATE TABLE plans (
    picture_id VARCHAR NOT NULL,
    revision INTEGER NOT NULL,
    plan VARCHAR NOT NULL,              -- JSON
    masked VARCHAR NOT NULL,            -- JSON: one rectangle for each proposed region
    kinds VARCHAR[] NOT NULL,           -- of its reasons
    made_by VARCHAR,                    -- NULL for the machine
    made_at TIMESTAMP NOT NULL,
    PRIMARY KEY (picture_id, revision)
);

CREATE TABLE drafts (
    picture_id VARCHAR PRIMARY KEY,
    reviewer VARCHAR NOT NULL,
    regions VARCHAR NOT NULL,           -- JSON
    state VARCHAR NOT NULL,             -- JSON, opaque
    saved_at TIMESTAMP NOT NULL
);

CREATE TABLE skips (
    picture_id VARCHAR NOT NULL,
    reviewer VARCHAR NOT NULL,
    skipped_at TIMESTAMP NOT NULL,
    PRIMARY KEY (picture_id, reviewer)
);

CREATE TABLE verdicts (
    number BIGINT PRIMARY KEY DEFAULT nextval('verdict_numbers'),
    picture_id VARCHAR NOT NULL,
    revision INTEGER NOT NULL,          -- of the plan the person looked at
    reviewer VARCHAR NOT NULL,
    decision VARCHAR NOT NULL,          -- settled, rejected, or refused (came too late)
    regions VARCHAR NOT NULL,           -- JSON
    opened_at TIMESTAMP,
    decided_at TIMESTAMP NOT NULL,
    undone_at TIMESTAMP
);

CREATE TABLE receipts (
    release_id VARCHAR PRIMARY KEY,
    picture_id VARCHAR NOT NULL,
    live_picture_id VARCHAR UNIQUE,     -- the picture while the release stands, NULL once withdrawn
    batch_id VARCHAR NOT NULL,
    format VARCHAR NOT NULL,
    bytes BIGINT NOT NULL,
    sha256 VARCHAR NOT NULL,            -- of the release file
    receipt VARCHAR NOT NULL,           -- JSON
    released_at TIMESTAMP NOT NULL,
    withdrawn_at TIMESTAMP
);
