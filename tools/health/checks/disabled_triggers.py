"""disabled-triggers: triggers that a load or a migration switched off and nobody switched on again."""

from __future__ import annotations

from ...sql.quote import ident, qualified
from .. import wording
from ..registry import Ask, check
from ..result import Advice, Outcome, bad, ok, warn


@check(
    "disabled-triggers",
    title="Disabled triggers",
    question="Is a trigger switched off, perhaps one that enforces a foreign key?",
    source="PostgreSQL manual, ALTER TABLE, DISABLE TRIGGER; pg_trigger.tgenabled",
)
def disabled_triggers(ask: Ask) -> Outcome:
    """bad when a foreign key is not enforced because of it, warn otherwise."""
    found = ask.rows()
    if not found:
        return ok("no trigger is switched off")
    keys = [r for r in found if r["internal"]]
    tables = list(dict.fromkeys(qualified(r["schema"], r["table"]) for r in found))
    advice = [
        Advice(
            f"Switch the triggers of {t} on again.",
            f"ALTER TABLE {t} ENABLE TRIGGER {'ALL' if _has_key(t, keys) else 'USER'};",
        )
        for t in tables
    ]
    if keys:
        names = wording.listed(sorted({f"{r['constraint_table']}.{r['constraint']}" for r in keys}))
        advice.append(
            Advice(
                "Rows written meanwhile were not checked: find orphans, then drop and add the key NOT VALID and validate it.",
                "\n".join(
                    f"ALTER TABLE {qualified(r['constraint_schema'], r['constraint_table'])}"
                    f" DROP CONSTRAINT {ident(r['constraint'])};  -- and add it again NOT VALID, then VALIDATE"
                    for r in {r["constraint"]: r for r in keys}.values()
                ),
            )
        )
        return bad(f"foreign keys not enforced, their triggers are off: {names}", found, advice)
    names = wording.listed([f"{r['table']}.{r['trigger']}" for r in found])
    return warn(f"{wording.count(len(found), 'trigger')} switched off: {names}", found, advice)


def _has_key(table: str, keys: list[dict[str, object]]) -> bool:
    return any(qualified(str(r["schema"]), str(r["table"])) == table for r in keys)
