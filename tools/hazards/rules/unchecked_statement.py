"""A statement of a kind that no rule knows."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ..registry import Category, Hit, rule
from ..step import Step


@rule(
    id="unchecked-statement",
    title="Statement that cannot be judged",
    severity=Severity.WARNING,
    category=Category.UNKNOWN,
    on=("*",),
    why="What agentdb does not know is never taken for safe. LOAD and EXECUTE of a prepared statement run code that is not "
    "in the file.",
    fix="Write out what should be done, and look at what the sandbox saw.",
    bad="LOAD 'auto_explain';",
    good="SELECT 1;",
    source="Manual, LOAD; EXECUTE.",
)
def check(step: Step) -> Iterator[Hit]:
    if step.node_name in ("syntax_error", "opaque", "end_of_script"):
        return
    if step.kind not in ("UNKNOWN", "LOAD", "EXECUTE"):
        return
    if step.node_name == "unread":
        yield Hit(
            "PostgreSQL's grammar rejects this piece of the script too. What it would do is not known.",
            "Mend the first error of the file; this one may be gone with it.",
        )
        return
    what = "This statement" if step.kind == "UNKNOWN" else step.kind
    yield Hit(
        f"{what} runs something that cannot be read from the file. What it locks, changes or deletes is not known.",
        "Write out what should be done, and look at what the sandbox saw.",
    )
