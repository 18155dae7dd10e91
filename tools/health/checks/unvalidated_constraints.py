"""unvalidated-constraints: constraints that were added NOT VALID and never validated."""

from __future__ import annotations

from ...sql.quote import ident, qualified
from .. import wording
from ..registry import Ask, check
from ..result import Advice, Outcome, ok, warn


@check(
    "unvalidated-constraints",
    title="Unvalidated constraints",
    question="Which constraints may be broken by rows that were there before them?",
    source="PostgreSQL manual, ALTER TABLE, NOT VALID and VALIDATE CONSTRAINT; pg_constraint.convalidated, conenforced (18)",
)
def unvalidated_constraints(ask: Ask) -> Outcome:
    """warn for NOT VALID; a constraint that is NOT ENFORCED was meant so and stands in the rows of an ok."""
    found = ask.rows()
    waiting = [r for r in found if r["enforced"]]
    if not waiting:
        note = f" ({len(found)} NOT ENFORCED by choice)" if found else ""
        return ok(f"every constraint is validated{note}", found)
    names = wording.listed([f"{r['table']}.{r['constraint']}" for r in waiting])
    return warn(
        f"{wording.count(len(waiting), 'constraint')} NOT VALID: {names}; older rows may break them",
        found,
        [_validate(r) for r in waiting],
    )


def _validate(row: dict[str, object]) -> Advice:
    name, constraint = qualified(str(row["schema"]), str(row["table"])), ident(str(row["constraint"]))
    if row["is_domain"]:
        return Advice(
            f"Validating reads every column of domain {name}.", f"ALTER DOMAIN {name} VALIDATE CONSTRAINT {constraint};"
        )
    return Advice(
        f"Validating {constraint} reads {name} under SHARE UPDATE EXCLUSIVE: reads and writes go on, other DDL waits.",
        f"ALTER TABLE {name} VALIDATE CONSTRAINT {constraint};",
    )
