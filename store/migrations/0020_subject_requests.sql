-- What people asked for about a picture that shows them, and what came of it: ids alone, no names.
CREATE TABLE subject_requests (
    id VARCHAR PRIMARY KEY,
    kind VARCHAR NOT NULL,              -- access, correction or deletion
    picture_id VARCHAR,                 -- NULL where no picture was found
    opened_at TIMESTAMP NOT NULL,       -- when it came in
    opened_by VARCHAR NOT NULL,         -- an actor's id, as in events
    due_at TIMESTAMP NOT NULL,
    closed_at TIMESTAMP,
    closed_by VARCHAR,
    outcome VARCHAR                     -- done, refused, nothing held or taken back
);
