"""The report: one record for programs and people, and its files in the docs folder."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...errors import AgentdbError
from ...tools import files
from ...tools.report import markdown, record
from ..context import Context
from ..state import Plain, State
from .step import relative, say

if TYPE_CHECKING:
    from langgraph.runtime import Runtime


def report(state: State, runtime: Runtime[Context]) -> Plain:
    """Writes report and reports. A folder that cannot be written is told and changes nothing else."""
    context = runtime.context
    built = record.build(state)
    if not state["migrations"] and not state.get("trouble"):
        return {"report": built, "reports": []}
    folder = context.layout.docs_dir / "reports"
    name = file_name(state["run"]["name"])
    scripts = {r["path"]: r["sql"] for r in state["rollbacks"] if r["path"]}
    try:
        written = [
            files.write_whole(folder / f"{name}.md", markdown.markdown(built, scripts)),
            files.write_whole(folder / f"{name}.json", record.as_json(built)),
        ]
    except AgentdbError as error:
        say(runtime, "report", f"not written: {error}", ok=False)
        return {"report": built, "reports": []}
    paths = [relative(context, p) for p in written]
    say(runtime, "report", ", ".join(paths))
    return {"report": built, "reports": paths}


def file_name(name: str) -> str:
    """The name of a run as the name of a file: letters, digits, dots, dashes and underscores, at most 80."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:80] or "report"
