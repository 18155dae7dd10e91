"""How severe a finding is on this table: the rule's word, then the size of the real table, then the project's word.

The policy, for rules whose harm grows with the table (`scales`), where the target's row count is known:

    fewer than 1,000 rows       info: over before anyone waits
    fewer than 100,000 rows     one step lower: error becomes warning, warning becomes info
    fewer than 10,000,000 rows  as the rule says
    10,000,000 rows and more    one step higher: warning becomes error

A row count that is not known changes nothing. agentdb.toml ([hazards.severity]) has the last word.
"""

from __future__ import annotations

from ..records import Severity
from .context import Context
from .registry import Hit, Rule

SMALL = 1_000
MEDIUM = 100_000
HUGE = 10_000_000

LADDER = (Severity.INFO, Severity.WARNING, Severity.ERROR)


def severity_of(rule: Rule, hit: Hit, context: Context) -> Severity | None:
    """The severity of a hit; None when the rule is off."""
    wanted = context.severity.get(rule.id)
    if wanted == "off" or not (rule.enabled or asked_for(rule, context)):
        return None
    if wanted is not None:
        return Severity(wanted)
    severity = hit.severity or rule.severity
    rows = rows_of(hit.relation, context)
    if rule.scales and rows is not None:
        severity = by_size(severity, rows)
    return severity


def asked_for(rule: Rule, context: Context) -> bool:
    """Whether somebody wants a rule that is off by default: by name, with all others, or by giving it a severity."""
    return rule.id in context.enabled or "all" in context.enabled or rule.id in context.severity


def rows_of(relation: str, context: Context) -> int | None:
    """The target's rows in a table, None when not known."""
    rows = context.table_rows
    return rows.get(relation, rows.get(f"public.{relation}") if "." not in relation else None)


def by_size(severity: Severity, rows: int) -> Severity:
    """The severity on a table of so many rows, by the policy above."""
    if rows < SMALL:
        return Severity.INFO
    if rows < MEDIUM:
        return LADDER[max(severity.rank - 1, 0)]
    if rows >= HUGE and severity is Severity.WARNING:
        return Severity.ERROR
    return severity
