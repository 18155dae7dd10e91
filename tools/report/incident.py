"""The report of an incident as a page of Markdown: what was seen, what it may mean, what was asked and said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .markdown import block, plain


def incident_page(
    target: str,
    taken_at: str,
    overview: str,
    hypotheses: Sequence[Mapping[str, Any]],
    situation: str,
    questions: Sequence[Mapping[str, Any]] = (),
) -> str:
    """The page. overview, situation: plain text; hypotheses: as graph.triaging numbers them; questions: the turns of
    the talk, each {"question", "answer": [{"text", "cites"}]}."""
    lines = [
        f"# Incident on {plain(target)}",
        "",
        f"Seen at {plain(taken_at)}. Nothing was run or changed by agentdb.",
        "",
    ]
    lines += ["## What it may be", ""]
    if not hypotheses:
        lines += ["None of the fixed rules found an incident.", ""]
    for h in hypotheses:
        lines += [
            f"### {h['id']} {plain(h['title'])} ({h['certainty']})",
            "",
            *(f"- {plain(b)}" for b in h["because"]),
            "",
        ]
        for s in h["steps"]:
            risk = f" Risk: {plain(s['risk'])}" if s["risk"] else ""
            lines.append(f"{s['n']}. **{plain(s['action'])}**: {plain(s['what'])}{risk}")
            if s["sql"] or s["command"]:
                lines += ["", *block(s["sql"] or s["command"], "sql" if s["sql"] else "sh"), ""]
        lines.append("")
    lines += ["## What was seen", "", *block(f"{overview}\n\n{situation}", "text"), ""]
    if questions:
        lines += [
            "## Questions and answers",
            "",
            "Answers are a model's, each sentence checked against what it read.",
            "",
        ]
    for turn in questions:
        lines += [f"**{plain(turn['question'])}**", ""]
        said = [
            f"{plain(c['text'])} {plain('[' + ', '.join(c['cites']) + ']') if c['cites'] else ''}".strip()
            for c in turn["answer"]
        ]
        lines += [*(said or ["(no answer that could be shown)"]), ""]
    return "\n".join(lines).rstrip() + "\n"
