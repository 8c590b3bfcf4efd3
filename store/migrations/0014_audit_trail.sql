-- Who did what, and what was refused to whom: a hash chain that only grows; see store/audit.
CREATE TABLE events (
    number BIGINT PRIMARY KEY,          -- 1, 2, 3, ... without a gap
    happened_at TIMESTAMP NOT NULL,
    actor VARCHAR NOT NULL,             -- an id, never a name
    act VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,           -- an id; empty where there is no single one
    details VARCHAR NOT NULL,           -- canonical JSON: ids, pseudonyms and counts
    previous VARCHAR NOT NULL,          -- hash of the event before; 64 zeros for the first
    hash VARCHAR NOT NULL               -- SHA-256 of all of the above as canonical JSON
);

-- What is personal about an id or a pseudonym in events; no part of the chain, so that it can go.
CREATE TABLE audit_names (
    id VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    PRIMARY KEY (id, name)
);
