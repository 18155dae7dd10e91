"""Inline ignores: `-- agentdb: ignore RULE reason (until 2027-01-01)` before a statement, or at its end.

The reason is required. An ignore that meets no finding, has run out, or says no reason is itself a finding.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date

from ..records import Finding, Severity
from ..sql.parse import Script
from .registry import by_id, nearest

FORM = re.compile(
    r"(?:--|/\*)\s*agentdb\s*:\s*ignore\s+(?P<rule>[A-Za-z0-9_-]+)(?P<reason>.*?)(?:\*/)?\s*", re.IGNORECASE | re.DOTALL
)
UNTIL = re.compile(r"[(\[]?\s*\buntil\s+(?P<day>\d{4}-\d{2}-\d{2})\s*[)\]]?", re.IGNORECASE)


@dataclass(slots=True, eq=False, repr=False)
class Ignore:
    """An ignore as written. statement: the index of the statement it belongs to, None when none follows."""

    rule: str
    reason: str
    line: int
    until: date | None = None
    wrong: str = ""
    statement: int | None = None
    used: bool = False

    def holds(self, today: date) -> bool:
        """Whether it may silence anything."""
        return not self.wrong and (self.until is None or today <= self.until)


def ignores_of(script: Script) -> list[Ignore]:
    """The ignores in a script's comments."""
    found = []
    for comment in script.comments:
        match = FORM.fullmatch(comment.text.strip())
        if match is None:
            continue
        reason = match["reason"].strip(" \t\n:-–—")
        made = Ignore(match["rule"].lower(), reason, script.line_at(comment.start))
        day = UNTIL.search(reason)
        if day is not None:
            made.reason = (reason[: day.start()] + reason[day.end() :]).strip(" \t\n:-–—")
            try:
                made.until = date.fromisoformat(day["day"])
            except ValueError:
                made.wrong = f"{day['day']} is no date"
        if made.rule not in by_id():
            close = nearest(made.rule, 1)
            made.wrong = f"there is no rule '{made.rule}'" + (f"; did you mean '{close[0]}'?" if close else "")
        elif not made.reason and not made.wrong:
            made.wrong = "it says no reason"
        made.statement = _belongs_to(script, comment.start, made.line)
        found.append(made)
    return found


def _belongs_to(script: Script, offset: int, line: int) -> int | None:
    """The statement that a comment speaks of: the one it stands in or ends the line of, else the next."""
    previous = None
    for parsed in script.statements:
        span = parsed.statement.span
        if offset < span.end:
            break
        previous = parsed.statement
    else:
        parsed = None
    if previous is not None and script.line_at(previous.span.end) == line:
        return previous.index
    return parsed.statement.index if parsed is not None else None


def apply_ignores(script: Script, findings: list[Finding], path: str, today: date | None) -> list[Finding]:
    """The findings, ignored ones marked with the reason, and one more for each ignore that is of no use."""
    written = ignores_of(script)
    if not written:
        return findings
    today = today or date.today()
    made = []
    for finding in findings:
        for one in written:
            if one.rule == finding.rule and one.statement == finding.statement and one.holds(today):
                one.used = True
                finding = replace(finding, ignored=one.reason)
                break
        made.append(finding)
    for one in written:
        if one.wrong:
            made.append(_about(one, "malformed-ignore", f"This ignore does nothing: {one.wrong}.", path))
        elif not one.holds(today):
            made.append(
                _about(one, "expired-ignore", f"This ignore of {one.rule} ran out on {one.until}: {one.reason}.", path)
            )
        elif not one.used:
            made.append(
                _about(one, "unused-ignore", f"Nothing here raises {one.rule}, so the ignore does nothing.", path)
            )
    return made


ADVICE = {
    "malformed-ignore": "Write `-- agentdb: ignore RULE reason (until 2027-01-01)` with a rule's id and a reason.",
    "expired-ignore": "Mend the statement, or look at the reason again and set a new date.",
    "unused-ignore": "Delete the comment.",
}


def _about(one: Ignore, rule: str, what: str, path: str) -> Finding:
    known = by_id().get(rule)
    return Finding(
        rule=rule,
        severity=known.severity if known else Severity.INFO,
        title=known.title if known else rule,
        why=what,
        fix=ADVICE[rule],
        path=path,
        line=one.line,
        statement=one.statement,
    )
