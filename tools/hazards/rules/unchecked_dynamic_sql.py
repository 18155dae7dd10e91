"""SQL that is put together at run time, or code in a language that cannot be read here."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Hit, rule
from ..step import Step


@rule(
    id="unchecked-dynamic-sql",
    title="Code whose effect cannot be read from the file",
    severity=Severity.WARNING,
    category=Category.UNKNOWN,
    on=("opaque",),
    why="EXECUTE of a text that is put together at run time may do anything, and so may a block in another language. What "
    "it locks or deletes is not known before it runs.",
    fix="Write the statements out, or rely on the sandbox, which shows what they did there.",
    bad="DO $$ BEGIN EXECUTE 'DROP TABLE ' || (SELECT max(relname) FROM pg_class); END $$;",
    good="DO $$ BEGIN EXECUTE 'SELECT 1'; END $$;",
    source="Manual, section 41.5.4 Executing Dynamic Commands.",
)
def check(step: Step) -> Iterator[Hit]:
    where = step.inside or ("a DO block" if step.kind == "DO" else "a function")
    yield Hit(
        f"There is {step.text} in {where}. What it locks, changes or deletes is not known before it runs.",
        "Write the statements out where you can, and look at what the sandbox saw it do.",
    )
