"""When applying did not end well: what happened, what was done about it, and how the target stands now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import AgentdbError
from ...tools import files
from ...tools.report.markdown import code, plain
from ..context import Context
from ..state import Plain, State
from .report import file_name
from .step import relative, say

if TYPE_CHECKING:
    from langgraph.runtime import Runtime


def incident(state: State, runtime: Runtime[Context]) -> Plain:
    """Writes incident: the lines of the report, and the file that holds them."""
    context = runtime.context
    lines = lines_of(state)
    path = context.layout.docs_dir / "reports" / f"{file_name(state['run']['name'])}-incident.md"
    try:
        files.write_whole(path, "\n".join(lines) + "\n")
    except AgentdbError as error:
        say(runtime, "incident", f"not written: {error}", ok=False)
        return {"incident": {"lines": lines, "file": ""}}
    say(runtime, "incident", relative(context, path))
    return {"incident": {"lines": lines, "file": relative(context, path)}}


def lines_of(state: State) -> list[str]:
    """The report as Markdown, from facts alone."""
    applied, back = state["applied"], state.get("rolled_back") or {}
    target = state["run"]["target"] or {}
    lines = [f"# Incident: {plain(state['run']['name'])} on {plain(target.get('name', ''))}", ""]
    lines += ["## What happened", "", *(f"- {plain(a)}" for a in state["verified"]["against"]), ""]
    if applied["done"]:
        lines += ["Carried out before that:", "", *(f"- {code(d['label'])} {d['status']}" for d in applied["done"]), ""]
    lines += ["## What was done about it", ""]
    decision = state.get("back_decision", {}).get("decision")
    if back.get("ok"):
        lines += [f"- {code(d['label'])} {d['status']}" for d in back["done"]]
        certain = {True: "The schema is what it was before.", False: "The schema is not what it was before."}
        lines += ["", certain.get(back["verified"], "Whether the schema is what it was before could not be compared.")]
    elif back:
        lines.append(f"Going back failed: {plain(back['error']['what'])}")
    elif decision == "reject":
        lines.append("Going back was offered and declined.")
    elif state.get("way_back", {}).get("problem"):
        lines.append(f"There is no way back: {plain(state['way_back']['problem']['what'])}")
    else:
        lines.append("Nothing of the run is in the target; there was nothing to take back.")
    lines += [
        "",
        "## Next",
        "",
        "- `agentdb status` says what is true of the target now.",
        "- `agentdb triage` helps to look further.",
        "",
    ]
    return lines
