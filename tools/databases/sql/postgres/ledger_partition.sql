-- whether a table is a partition of another: one row saying if its detaching was begun and not ended, or no row
SELECT h.inhdetachpending
FROM pg_catalog.pg_inherits h
WHERE h.inhparent = pg_catalog.to_regclass(%(parent)s)
  AND h.inhrelid = pg_catalog.to_regclass(%(child)s)
