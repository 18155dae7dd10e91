-- Whether a relation that this transaction still sees is gone: pg_table_is_visible looks at the catalogs of now.
SELECT EXISTS (
    SELECT FROM pg_class c
    WHERE c.relnamespace = ANY (%(schemas)s::oid[]) AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
      AND pg_table_is_visible(c.oid) IS NULL
)
