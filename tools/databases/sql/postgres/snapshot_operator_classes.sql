-- What each btree operator class is for, and whether it is that type's default.
SELECT c.oid, c.opcintype, c.opcdefault
FROM pg_opclass c
JOIN pg_am am ON am.oid = c.opcmethod
WHERE am.amname = 'btree'
