-- purpose: remove the record of used approvals
-- reversible: no; the record is lost

DROP INDEX agentdb.history_approval_nonce;
ALTER TABLE agentdb.history DROP CONSTRAINT history_approval;
DROP TABLE agentdb.approvals;
