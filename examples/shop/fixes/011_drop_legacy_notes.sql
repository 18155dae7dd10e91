-- purpose: the back office is gone, so are its notes; last, when nothing reads them any more
-- author: jon

-- agentdb: ignore ban-drop-column the back office was switched off in March, nothing reads the notes
ALTER TABLE customers DROP COLUMN legacy_notes;
