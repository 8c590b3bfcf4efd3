-- Why a picture waits although it is its turn: the machine's fault, not the picture's.
ALTER TABLE pictures ADD COLUMN postponed VARCHAR;
ALTER TABLE examinations ADD COLUMN postponed VARCHAR;
-- The state from which the machine held a picture back, so that a person can have it tried again.
ALTER TABLE pictures ADD COLUMN held_from VARCHAR;
ALTER TABLE examinations ADD COLUMN held_from VARCHAR;
