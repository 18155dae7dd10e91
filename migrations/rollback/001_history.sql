-- purpose: remove agentdb's record of what ran in this database
-- reversible: no; the record is lost

DROP TABLE agentdb.history;
DROP TABLE agentdb.installed;
DROP SCHEMA agentdb;
