-- purpose: every approval that was used here, once
-- author: agentdb
-- depends: 001
-- reversible: yes, but the record of who approved what is lost with it
--
-- Expected locks: SHARE ROW EXCLUSIVE on agentdb.history for the foreign key; nothing outside schema agentdb.

-- The primary key is what makes an approval single-use.
CREATE TABLE agentdb.approvals (
    nonce       text PRIMARY KEY,
    plan_sha256 text NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('apply', 'rollback')),
    approver    text NOT NULL,
    environment text NOT NULL,
    created     timestamptz NOT NULL,
    expires     timestamptz NOT NULL,
    used        timestamptz NOT NULL DEFAULT clock_timestamp(),
    who         text NOT NULL,
    payload     jsonb NOT NULL,
    plan        jsonb NOT NULL,
    signature   text NOT NULL
);
COMMENT ON TABLE agentdb.approvals IS 'Signed approvals that were used in this database; each is good for one use';

ALTER TABLE agentdb.history
    ADD CONSTRAINT history_approval FOREIGN KEY (approval_nonce) REFERENCES agentdb.approvals (nonce);
CREATE INDEX history_approval_nonce ON agentdb.history (approval_nonce);
