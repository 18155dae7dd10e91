"""sequence-exhaustion: sequences, and integer keys, that are about to end."""

from __future__ import annotations

from typing import Any

from ...sql.quote import ident, qualified
from .. import wording
from ..registry import Ask, Limit, check
from ..result import Advice, Outcome, bad, ok, unknown, warn


@check(
    "sequence-exhaustion",
    title="Sequence exhaustion",
    question="Which sequence, or integer column fed by one, runs out of values?",
    source='PostgreSQL manual, CREATE SEQUENCE; "Numeric Types"; pg_sequence, pg_sequence_last_value()',
    limits={
        "warn_ratio": Limit(
            0.75, "share of the range used", "chosen here: a quarter is time to change a column's type"
        ),
        "bad_ratio": Limit(0.9, "share of the range used", "pghero, sequence_danger: threshold 0.9"),
    },
)
def sequence_exhaustion(ask: Ask) -> Outcome:
    """The range ends where the sequence or the column's own type ends, whichever is first."""
    found = ask.rows()
    hidden = [r for r in found if not r["readable"]]
    near = [r for r in found if (r["used"] or 0) >= ask.limits["warn_ratio"]]
    if not near:
        if hidden:
            names = wording.listed([f"{r['schema']}.{r['sequence']}" for r in hidden])
            return unknown(
                f"the role {ask.server.role} may not read {wording.count(len(hidden), 'sequence')}: {names}", hidden
            )
        return ok(f"{wording.count(len({(r['schema'], r['sequence']) for r in found}), 'sequence')}, none near its end")
    first = near[0]
    said = f"{_name(first)} has used {wording.share(min(first['used'], 1))}, {int(first['values_left'] or 0):,} values left"
    more = f" (and {len(near) - 1} more)" if len(near) > 1 else ""
    serious = any(r["used"] >= ask.limits["bad_ratio"] for r in near)
    return (bad if serious else warn)(f"{said}{more}", near, [a for r in near for a in _widen(r)])


def _name(row: dict[str, Any]) -> str:
    if row["table"]:
        return f"{row['table']}.{row['column']} ({row['column_type']})"
    return f"sequence {row['sequence']}"


def _widen(row: dict[str, Any]) -> list[Advice]:
    sequence = qualified(row["schema"], row["sequence"])
    if not row["table"]:
        return [Advice(f"Let {sequence} run further.", f"ALTER SEQUENCE {sequence} AS bigint NO MAXVALUE;")]
    table, column = qualified(row["table_schema"], row["table"]), ident(row["column"])
    if row["column_type"] == "bigint":
        return [
            Advice(
                f"{column} is a bigint; only the sequence ends.", f"ALTER SEQUENCE {sequence} AS bigint NO MAXVALUE;"
            )
        ]
    return (
        [
            Advice(
                f"Widen {table}.{column} to bigint without a rewrite under lock: new column, trigger, backfill in batches, swap. "
                "Do the same with every foreign key column that refers to it.",
                f"ALTER TABLE {table} ADD COLUMN {ident(row['column'] + '_new')} bigint;\n"
                "-- then: a trigger that copies the value, UPDATE in batches, a unique index built CONCURRENTLY, and the swap\n"
                f"-- at the end: ALTER SEQUENCE {sequence} AS bigint NO MAXVALUE;",
            ),
            Advice(
                "Relief for the moment, if nothing relies on positive values: go through the negative half.",
                f"ALTER SEQUENCE {sequence} MINVALUE -2147483648 RESTART WITH -2147483648;",
            ),
        ]
        if row["step"] > 0 and row["column_type"] == "integer"
        else [
            Advice(
                f"Change {table}.{column} to a wider type.",
                f"ALTER TABLE {table} ALTER COLUMN {column} TYPE bigint;  -- rewrites the table",
            )
        ]
    )
