-- Labelled pictures, one row each, with what was predicted for them (findings).
ALTER TABLE examinations RENAME TO predictions;
