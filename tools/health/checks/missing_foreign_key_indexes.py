"""missing-foreign-key-indexes: foreign keys that make every delete of a parent row read the whole child table."""

from __future__ import annotations

from ...sql.quote import ident, qualified
from .. import wording
from ..registry import Ask, Limit, check
from ..result import Advice, Outcome, ok, warn


@check(
    "missing-foreign-key-indexes",
    title="Foreign keys without an index",
    question="Which foreign keys make a DELETE or UPDATE of the referenced row scan a large referencing table?",
    source='PostgreSQL manual, "Foreign Keys": an index on the referencing columns is often a good idea, none is made',
    limits={
        "min_rows": Limit(10_000, "estimated rows of the referencing table", "chosen here: a scan below it is short")
    },
)
def missing_foreign_key_indexes(ask: Ask) -> Outcome:
    """warn for tables of min_rows or more; smaller ones are in the rows of an ok."""
    found = ask.rows()
    large = [r for r in found if r["rows"] >= ask.limits["min_rows"]]
    if not large:
        note = f" on a table that is large enough to matter ({len(found)} on small tables)" if found else ""
        return ok(f"no foreign key lacks an index{note}", found)
    names = wording.listed([f"{r['table']}({', '.join(r['columns'])})" for r in large])
    return warn(
        f"{wording.count(len(large), 'foreign key')} on large tables without an index: {names}",
        large,
        [_build(r) for r in large],
    )


def _build(row: dict[str, object]) -> Advice:
    table = qualified(str(row["schema"]), str(row["table"]))
    assert isinstance(row["columns"], list)
    columns = ", ".join(ident(c) for c in row["columns"])
    if row["partitioned"]:
        return Advice(
            f"{table} is partitioned: build the index on each partition concurrently, then one ON ONLY the parent, and attach.",
            f"CREATE INDEX ON ONLY {table} ({columns});",
        )
    return Advice(
        f"A delete in {row['referenced_table']} looks for rows in {table} each time.",
        f"CREATE INDEX CONCURRENTLY ON {table} ({columns});",
    )
