-- purpose: what was deleted from schema agentdb_archive here, on whose approval
-- author: agentdb
-- depends: 002
-- reversible: yes, unless a purge was approved; the record of what was purged is lost with it
--
-- Expected locks: ACCESS EXCLUSIVE on agentdb.approvals for a moment; nothing outside schema agentdb.

ALTER TABLE agentdb.approvals
    DROP CONSTRAINT approvals_kind_check,
    ADD CONSTRAINT approvals_kind_check CHECK (kind IN ('apply', 'rollback', 'purge'));

CREATE TABLE agentdb.purges (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    migration      text NOT NULL,
    purged         timestamptz NOT NULL DEFAULT clock_timestamp(),
    objects        jsonb NOT NULL,
    plan_sha256    text NOT NULL,
    approval_nonce text REFERENCES agentdb.approvals (nonce),
    who            text NOT NULL
);
COMMENT ON TABLE agentdb.purges IS 'What a migration had kept or set aside and was deleted for good; its rollback cannot bring it back';
CREATE INDEX purges_migration ON agentdb.purges (migration);
