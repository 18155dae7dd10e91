-- purpose: an append-only record of what agentdb did here, each row sealed by the hash of the one before
-- author: agentdb
-- depends: 001
-- reversible: yes, but the record is lost with it
--
-- Expected locks: none on the target's own objects; everything here is new.

CREATE TABLE agentdb.audit (
    seq    bigint PRIMARY KEY CHECK (seq > 0),
    at     timestamptz NOT NULL,
    actor  text NOT NULL,
    event  text NOT NULL,
    detail jsonb NOT NULL,
    prev   text NOT NULL,
    sha256 text NOT NULL UNIQUE
);
COMMENT ON TABLE agentdb.audit IS 'Append-only; sha256 seals seq, at, actor, event, detail and prev, the hash of the row before';

CREATE FUNCTION agentdb.audit_is_append_only() RETURNS trigger
    LANGUAGE plpgsql AS
$$
BEGIN
    RAISE EXCEPTION 'agentdb.audit is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$;

-- Its owner could disable the trigger; the chain of hashes then shows what was changed.
CREATE TRIGGER audit_is_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON agentdb.audit
    FOR EACH STATEMENT EXECUTE FUNCTION agentdb.audit_is_append_only();
