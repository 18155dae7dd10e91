"""A key or sequence that has no values left."""

from __future__ import annotations

from collections.abc import Iterator

from ...sql.quote import ident, qualified
from .. import wording
from ..hypothesis import Certainty, Hypothesis, Step
from ..situation import Situation


def find(facts: Situation) -> Iterator[Hypothesis]:
    """Sequences that ended, or are in their last tenth."""
    for row in facts.sequences:
        ended = (row["values_left"] or 0) < 1
        sequence = qualified(row["schema"], row["sequence"])
        place = f"{qualified(row['table_schema'], row['table'])}.{row['column']}" if row["table"] else sequence
        because = [
            f"{sequence} has used {wording.share(min(row['used'], 1))}, {int(row['values_left'] or 0):,} values left"
        ]
        if row["column_ends_first"]:
            because.append(f"{place} is {row['column_type']}, which ends before the sequence does")
        steps = []
        if row["step"] > 0 and row["column_type"] == "integer":
            steps.append(
                Step(
                    "mend",
                    "Go on through the negative half, at once and without a rewrite.",
                    "Breaks whoever relies on positive or rising values; buys time for the change of type.",
                    sql=f"ALTER SEQUENCE {sequence} MINVALUE -2147483648 RESTART WITH -2147483648;",
                )
            )
        if not row["table"] or row["column_type"] == "bigint":
            steps.append(
                Step(
                    "mend",
                    "Let the sequence run further.",
                    "None.",
                    sql=f"ALTER SEQUENCE {sequence} AS bigint NO MAXVALUE;",
                )
            )
        elif row["column_type"]:
            table = qualified(row["table_schema"], row["table"])
            steps.append(
                Step(
                    "mend",
                    "Change the column's type.",
                    "Rewrites the table and its indexes under ACCESS EXCLUSIVE: no reads, no writes until done. On a large"
                    " table add a bigint column, backfill in batches and swap instead.",
                    sql=f"ALTER SEQUENCE {sequence} AS bigint NO MAXVALUE;\n"
                    f"ALTER TABLE {table} ALTER COLUMN {ident(row['column'])} TYPE bigint;",
                )
            )
        title = f"{place} has run out of values, inserts fail" if ended else f"{place} is about to run out of values"
        yield Hypothesis("sequence-exhausted", title, Certainty.MEASURED, tuple(because), tuple(steps))
