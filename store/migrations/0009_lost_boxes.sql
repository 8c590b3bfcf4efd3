-- Boxes of the data set that could not be used, by category, JSON; "" is of any.
ALTER TABLE evaluations ADD COLUMN lost VARCHAR DEFAULT '{}';
