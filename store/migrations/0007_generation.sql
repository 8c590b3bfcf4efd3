-- One row: says whether this file is as new as the files beside it; see store/generation.py.
CREATE TABLE generation (
    installation VARCHAR NOT NULL,      -- random, of the first opening
    number BIGINT NOT NULL
);
