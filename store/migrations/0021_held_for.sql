-- The kind of the reason why the machine holds a picture back, of HeldFor; NULL of what was held back
-- before, by a person, at intake or by recovery.
ALTER TABLE pictures ADD COLUMN held_for VARCHAR;
