"""The documentation of the rules, made from their records: docs/rules.md and docs/rules/<id>.md.

`python -m agentdb.tools.hazards.pages` writes them; a test says when they are stale.
"""

from __future__ import annotations

import sys
from pathlib import Path

from .registry import Category, Rule, rules
from .rewriting.registry import rewriters

ROOT = Path(__file__).resolve().parents[2]
INDEX = "docs/rules.md"

HEAD = """\
# Rules

What `agentdb check` looks for. This page and the pages it links are made from the rules' records in
`tools/hazards/rules/`; change a record and run `python -m agentdb.tools.hazards.pages`.

Every finding says what the statement does and whom it hurts, and what to write instead. `agentdb explain RULE` prints a
page in the terminal.

## What a finding is worth

- **Severity** is the rule's, changed by the size of the real table where the target is known and the harm grows with
  it: fewer than 1,000 rows make it info, fewer than 100,000 lower it by one step, 10,000,000 and more raise a warning to
  an error, and so does a lock that would be held there for half a minute at the least. `[hazards.severity]` in
  agentdb.toml has the last word: `"rule-id" = "info" | "warning" | "error" | "off"`.
- **Proof** is what the sandbox saw when it ran the statement: `CONFIRMED` (it happened), `REFUTED` (it did not; listed,
  but it does not fail the check) or `UNKNOWN` (it was not measured, or cannot be). Work that no rule foresaw and the
  sandbox saw is a finding too.
- Rules marked *off* are advice that not everybody wants. `--enable RULE`, `--enable all` or a severity in agentdb.toml
  switches them on.
- Tables, columns, types and indexes that the same change makes are exempt: nobody uses them yet.
- What cannot be read (SQL put together at run time, code in other languages, functions whose text is not known) is a
  finding of its own, never silence.

## Ignoring a finding

```sql
-- agentdb: ignore ban-drop-table archived in March, nobody reads it (until 2027-01-01)
DROP TABLE orders_2019;
```
The comment stands before the statement or at the end of its line. The reason is required, the day is not. An ignore that
has run out, meets no finding or says no reason is a finding itself.

## Before every commit

For [pre-commit](https://pre-commit.com), in `.pre-commit-config.yaml` (`repo` and `rev`: this repository and a tag of it):

```yaml
repos:
  - repo: https://git.example/agentdb
    rev: v0.1.0
    hooks:
      - id: agentdb-check
      - id: agentdb-conflicts
```
`agentdb check --since main` looks at the files that differ from a branch, whatever the hook.
"""


def pages() -> dict[str, str]:
    """Every page by its path from the root of the repository."""
    made = {INDEX: _index()}
    for one in rules():
        made[f"docs/rules/{one.id}.md"] = _page(one)
    return made


def stale(root: Path = ROOT) -> list[str]:
    """The pages on disk that differ from what the records say: missing, changed, or of a rule that is gone."""
    wanted = pages()
    found = [path for path, text in wanted.items() if not _same(root / path, text)]
    known = {Path(path).name for path in wanted}
    folder = root / "docs/rules"
    gone = sorted(p.name for p in folder.glob("*.md") if p.name not in known) if folder.is_dir() else []
    return found + [f"docs/rules/{name}" for name in gone]


def write(root: Path = ROOT) -> list[str]:
    """Bring the pages on disk up to date; the paths that were written or removed."""
    changed = stale(root)
    wanted = pages()
    for path in changed:
        if path in wanted:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(wanted[path], encoding="utf-8")
        else:
            (root / path).unlink()
    return changed


def _same(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


def _index() -> str:
    lines = [HEAD]
    for category in Category:
        mine = [one for one in rules() if one.category is category]
        if not mine:
            continue
        lines += [
            f"## {category.value[0].upper()}{category.value[1:]}",
            "",
            "| Rule | Severity | What |",
            "|---|---|---|",
        ]
        lines += [f"| [{r.id}](rules/{r.id}.md) | {_severity(r)} | {r.title} |" for r in mine]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _severity(one: Rule) -> str:
    return f"{one.severity.value}{'' if one.enabled else ', off'}"


def _page(one: Rule) -> str:
    facts = [f"Severity: {_severity(one)}{' (follows the size of the table)' if one.scales else ''}"]
    facts += [f"About: {one.category.value}", f"Versions: {one.versions}"]
    if one.effect.value != "text":
        facts.append(f"Measured by: {one.effect.value}")
    lines = [
        f"# {one.id}",
        "",
        f"{one.title}.",
        "",
        *(f"- {fact}" for fact in facts),
        "",
        one.why,
        "",
        "## Instead",
        "",
        one.fix,
        "",
        "## Rewrite",
        "",
        *_rewrite(one),
    ]
    if one.setup:
        lines += ["", "## Examples", "", "On this schema:", "", _sql(one.setup)]
    elif one.bad:
        lines += ["", "## Examples"]
    if one.bad:
        where = " (inside one transaction)" if one.wrapped else ""
        lines += ["", f"Raises the rule{where}:", "", _sql(one.bad), "", "Does not:", "", _sql(one.good)]
    lines += ["", f"Source: {one.source}"]
    return "\n".join(lines) + "\n"


def _rewrite(one: Rule) -> list[str]:
    """What `agentdb check --fix` can do about it."""
    if one.no_form:
        return [f"None. {one.no_form}"]
    forms = [r.form for r in rewriters() if one.id in r.rules]
    head = "`agentdb check FILE --fix` tries this in the sandbox, and writes it when it is [proven](../fixes.md):"
    return [head, "", *(f"- {form}." for form in forms)]


def _sql(text: str) -> str:
    return f"```sql\n{text.strip()}\n```"


if __name__ == "__main__":
    sys.stdout.write("".join(f"{path}\n" for path in write()))
