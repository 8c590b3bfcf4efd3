CREATE SEQUENCE evaluation_numbers;
CREATE SEQUENCE examination_numbers;
CREATE SEQUENCE policy_version_numbers;
CREATE SEQUENCE policy_activation_numbers;

CREATE TABLE evaluations (
    id VARCHAR PRIMARY KEY,
    number BIGINT NOT NULL DEFAULT nextval('evaluation_numbers'),
    name VARCHAR NOT NULL,
    source VARCHAR NOT NULL,            -- where the data set was read from
    fingerprint VARCHAR NOT NULL,       -- of the data set
    policy_toml VARCHAR NOT NULL,
    policy VARCHAR NOT NULL,            -- fingerprint
    problems VARCHAR[] NOT NULL,        -- what could not be used of the data set, a sentence each
    target DOUBLE NOT NULL,
    made_by VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL,
    finished_at TIMESTAMP,
    cancelled_at TIMESTAMP,
    report VARCHAR,                     -- JSON
    problem VARCHAR                     -- why there is no report, a sentence
);

-- State, came_from, reason and attempts mean what they mean in pictures; recovery relies on it.
CREATE TABLE examinations (
    id VARCHAR PRIMARY KEY,
    number BIGINT NOT NULL DEFAULT nextval('examination_numbers'),
    evaluation_id VARCHAR NOT NULL,
    labelled VARCHAR NOT NULL,          -- the picture with its labels, JSON
    state VARCHAR NOT NULL,             -- waiting, working, examined, unread or cancelled
    came_from VARCHAR,                  -- while working: the state to go back to
    findings VARCHAR,                   -- JSON
    reason VARCHAR,                     -- why it is unread, a sentence
    attempts INTEGER NOT NULL DEFAULT 0,
    changed_at TIMESTAMP NOT NULL
);

CREATE TABLE policy_versions (
    number BIGINT PRIMARY KEY DEFAULT nextval('policy_version_numbers'),
    policy VARCHAR NOT NULL,            -- fingerprint
    toml VARCHAR NOT NULL,
    note VARCHAR NOT NULL,
    evaluation_id VARCHAR,              -- what spoke for it; may have been deleted since
    made_by VARCHAR NOT NULL,
    made_at TIMESTAMP NOT NULL
);

-- Append-only: the last one says which version is in force.
CREATE TABLE policy_activations (
    number BIGINT PRIMARY KEY DEFAULT nextval('policy_activation_numbers'),
    version BIGINT NOT NULL,
    activated_by VARCHAR NOT NULL,
    activated_at TIMESTAMP NOT NULL
);
