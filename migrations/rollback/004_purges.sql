-- purpose: remove the record of purges
-- reversible: no; the record is lost

DROP TABLE agentdb.purges;
ALTER TABLE agentdb.approvals
    DROP CONSTRAINT approvals_kind_check,
    ADD CONSTRAINT approvals_kind_check CHECK (kind IN ('apply', 'rollback'));
