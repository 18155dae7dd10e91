"""agentdb explain: what a rule means, with a bad and a good example."""

from __future__ import annotations

import textwrap

import typer


def explain(rule: str = typer.Argument(None, help="The rule's id; without one, all rules are listed.")) -> None:
    """What a rule means, with a bad and a good example."""
    from ..errors import UsageError
    from ..tools.hazards.registry import by_id, nearest, rules

    if rule is None:
        for category in dict.fromkeys(r.category for r in rules()):
            typer.echo(category.value.capitalize())
            for one in (r for r in rules() if r.category is category):
                off = "" if one.enabled else " (off)"
                typer.echo(f"  {one.id:34} {one.severity.value:8} {one.title}{off}")
        return
    known = by_id().get(rule.strip().lower())
    if known is None:
        close = nearest(rule.strip().lower())
        hint = f"Did you mean {' or '.join(close)}?" if close else "`agentdb explain` lists all rules."
        raise UsageError(f"there is no rule '{rule}'", hint=hint)
    typer.echo(
        f"{known.id} ({known.severity.value}, {known.versions}{'' if known.enabled else ', off unless enabled'})"
    )
    typer.echo(f"{known.title}.\n")
    rewrite = (
        known.no_form or "`agentdb check FILE --fix` tries a known safe form in the sandbox, and writes it when proven."
    )
    for head, text in (("Why", known.why), ("Instead", known.fix), ("Rewrite", rewrite)):
        typer.echo(f"{head}:")
        typer.echo(textwrap.indent(textwrap.fill(text, 100, break_long_words=False), "  "))
    for head, text in (("Bad", known.bad), ("Good", known.good)):
        if text:
            typer.echo(f"{head}:")
            typer.echo(textwrap.indent(text, "  "))
    typer.echo(f"Source: {known.source}")
