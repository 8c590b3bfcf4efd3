-- What goes out with a release. Releases made before certificates have none.
CREATE TABLE certificates (
    release_id VARCHAR PRIMARY KEY,
    certificate VARCHAR NOT NULL        -- the file as it was signed, to the byte
);
