"""Many rows written a few at a time: a DO block that walks the table by its key (or by its pages) and commits after
each batch, so that no row stays locked for long and a stop loses one batch.

Runs outside of a transaction only. Source: manual, PL/pgSQL, Transaction Management; TID range scans from 14 on.
"""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import indent

from ...sql.quote import ident

ROWS = 1000  # rows of a batch
PAGES = 3  # pages of a batch: at most 291 rows each (MaxHeapTuplesPerPage of 8 kB pages)
OLDEST_BY_PAGE = 14


def by_key(table: str, key: Sequence[str], write: str, *, alias: str = "", checkpoint: str = "") -> str:
    """The block that walks by a unique key. `write` is the statement up to its last condition, to which the batch's
    range is added with AND. checkpoint: a table with the key's columns that keeps where to go on, for writes that may
    not be done twice; without one a run that was stopped begins anew."""
    names = [ident(k) for k in key]
    columns = ", ".join(names)
    prefix = f"{alias or table}."

    def row(variable: str) -> str:
        inner = ", ".join(f"{variable}.{n}" for n in names)
        return f"({inner})" if len(names) > 1 else inner

    own = ", ".join(prefix + n for n in names)
    own = f"({own})" if len(names) > 1 else own
    whole = f"({columns})" if len(names) > 1 else columns
    first = f"SELECT {columns} INTO first FROM {table} ORDER BY {columns} LIMIT 1;"
    if checkpoint:
        first = f"SELECT {columns} INTO first FROM {checkpoint};\nIF NOT FOUND THEN\n    {first}\nEND IF;"
    keep = ""
    if checkpoint:
        values = ", ".join(f"first.{n}" for n in names)
        keep = f"        DELETE FROM {checkpoint};\n        INSERT INTO {checkpoint} VALUES ({values});\n"
    backwards = ", ".join(f"{n} DESC" for n in names)
    return (
        "DO $batches$\n"
        "DECLARE\n    first record;\n    upto record;\n    final record;\n"
        "BEGIN\n"
        f"{indent(first, '    ')}\n"
        f"    SELECT {columns} INTO final FROM {table} ORDER BY {backwards} LIMIT 1;\n"
        f"    WHILE {row('first')} <= {row('final')} LOOP\n"
        f"        SELECT {columns} INTO upto FROM (\n"
        f"            SELECT {columns} FROM {table} WHERE {whole} >= {row('first')} ORDER BY {columns} LIMIT {ROWS}\n"
        f"        ) AS batch ORDER BY {backwards} LIMIT 1;\n"
        f"{indent(write, '        ')}\n"
        f"            AND {own} >= {row('first')} AND {own} <= {row('upto')};\n"
        f"        SELECT {columns} INTO first FROM {table} WHERE {whole} > {row('upto')} ORDER BY {columns} LIMIT 1;\n"
        f"{keep}"
        "        COMMIT;\n"
        "    END LOOP;\n"
        "END $batches$"
    )


def by_page(table: str, write: str, *, alias: str = "") -> str:
    """The block that walks by the table's pages, for tables without a key. Only for writes that leave a row alone
    when they meet it again: a row that was written may lie further on."""
    own = f"{alias or table}.ctid"
    return (
        "DO $batches$\n"
        "DECLARE\n"
        "    page bigint := 0;\n"
        f"    pages bigint := pg_relation_size({_literal(table)}) / current_setting('block_size')::bigint;\n"
        "BEGIN\n"
        "    WHILE page < pages LOOP\n"
        f"{indent(write, '        ')}\n"
        f"            AND {own} >= format('(%s,0)', page)::tid AND {own} < format('(%s,0)', page + {PAGES})::tid;\n"
        f"        page := page + {PAGES};\n"
        "        COMMIT;\n"
        "    END LOOP;\n"
        "END $batches$"
    )


def _literal(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"
