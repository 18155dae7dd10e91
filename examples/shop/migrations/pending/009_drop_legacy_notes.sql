-- purpose: the back office is gone, so are its notes
-- author: jon

ALTER TABLE customers DROP COLUMN legacy_notes;
