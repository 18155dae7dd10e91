"""What each statement of a plan asks of the rows that are there, as questions that a target can answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ..hazards.shapes import (
    Action,
    ConstraintForm,
    actions_of,
    column_references,
    constraint_form,
    is_null,
    key,
    relation_key,
    table_form,
    type_ref,
)
from ..sql import grammar
from ..sql.effects import dotted, object_name, object_word
from ..sql.parse import Parsed
from ..sql.quote import ident
from .changed import Changes
from .facts import Facts, Relation
from .kinds import bounds, conversions, duplicates, empty, lost, nulls, orphans, overlaps, violators
from .model import Precondition

NOT_A_TABLE = {"v": "a view", "m": "a materialized view", "f": "a foreign table, whose rows are elsewhere"}


@dataclass(frozen=True, slots=True)
class Part:
    """The statements of a script of a plan. first: the statements before this number have run already. asked: False for one that only
    comes before those that are looked at."""

    path: str
    statements: Sequence[Parsed]
    first: int = 0
    asked: bool = True


def derive(parts: Iterable[Part], facts: Facts) -> tuple[Precondition, ...]:
    """The preconditions of a plan's statements in order, each with its place; what earlier statements of the plan change
    is not asked, and says so. Errors: psycopg.Error when the catalog cannot be read."""
    changes = Changes(facts)
    found: list[Precondition] = []
    for part in parts:
        for parsed in part.statements:
            statement = parsed.statement
            if statement.index < part.first:
                continue
            if part.asked and parsed.node is not None:
                found += [
                    replace(p, path=part.path, line=statement.span.line, statement=statement.index)
                    for p in _Asking(facts, changes).of(parsed)
                ]
            changes.note(parsed, f"{part.path}:{statement.span.line}")
    return tuple(found)


class _Asking:
    """One statement, with what is known before it."""

    def __init__(self, facts: Facts, changes: Changes) -> None:
        self.facts, self.changes = facts, changes

    def of(self, parsed: Parsed) -> Iterator[Precondition]:
        node, name = parsed.node, parsed.node_name
        if name == "alter_table_stmt" and object_word(node, "objtype") == "TABLE":
            yield from self.altered(node)
        elif name == "index_stmt" and node.unique:
            yield from self.on(relation_key(node.relation), lambda r: [duplicates.of_index(r, node, self.facts)])
        elif name == "create_stmt":
            yield from self.partition_made(node)
        elif name == "drop_stmt" and object_word(node, "remove_type") == "TABLE":
            for one in node.objects:
                yield from self.on(key(object_name(one)), lambda r: [lost.lost_rows(r, "dropped")], quiet=True)
        elif name == "truncate_stmt":
            for one in node.relations:
                yield from self.on(relation_key(one.range_var), lambda r: [lost.lost_rows(r, "deleted")], quiet=True)
        elif name == "alter_domain_stmt":
            yield from self.domain(node)

    def on(self, name: str, ask: Any, *, quiet: bool = False) -> Iterator[Precondition]:
        """What `ask` finds for a table that is there; what makes it unanswerable is put in. quiet: a table that is not
        there is nothing to speak of."""
        relation = self.changes.find(name)
        if self.changes.is_new(name):  # what the plan itself puts into it, the sandbox has seen
            return
        if relation is None:
            if not quiet:
                why = self.changes.why(name) or "the target has no such table now"
                yield Precondition("rows", f"the rows of {name} suit the statement", "", obstacle=why, relation=name)
            return
        for found in ask(relation):
            why = self.changes.why(name, found.columns)
            if not why and relation.kind in NOT_A_TABLE:
                why = f"{relation.title} is {NOT_A_TABLE[relation.kind]}"
            if why:
                found = replace(found, sql="", obstacle=why)
            yield replace(found, relation=relation.title, rows=found.rows or relation.rows)

    # -- ALTER TABLE

    def altered(self, node: Any) -> Iterator[Precondition]:
        """The actions, each against what the actions that the server takes first leave (tablecmds.c, ALTER TABLE passes:
        columns are dropped, retyped and added before constraints)."""
        name, alone = relation_key(node.relation), not node.relation.inh
        actions = actions_of(node)
        first = {a.name for a in actions if a.kind in ("AddColumn", "AlterColumnType", "DropColumn")}
        for action in actions:
            asking = partial(self.of_action, action=action, name=name, alone=alone)
            for found in self.on(name, asking, quiet=action.kind == "DropColumn"):
                if action.kind not in ("AddColumn", "AlterColumnType", "DropColumn") and first & set(found.columns):
                    found = replace(found, sql="", obstacle="the same statement changes the column first")
                yield found

    def of_action(self, relation: Relation, action: Action, name: str, alone: bool) -> Iterable[Precondition]:
        match action.kind:
            case "SetNotNull":
                return nulls.nulls(relation, action.name, alone=alone)
            case "DropColumn" if action.name in relation.columns:
                return [lost.lost_values(relation, action.name)]
            case "AddColumn" if action.column is not None:
                return self.column_added(relation, action)
            case "AlterColumnType" if action.column is not None:
                return self.retyped(relation, action, alone)
            case "AddConstraint" if action.constraint is not None:
                return self.constraint(relation, action.constraint, alone)
            case "ValidateConstraint":
                return self.validated(relation, action.name, name, alone)
            case "AlterConstraint":
                change = getattr(action.node, "def").atalter_constraint
                enforced = change.alter_enforceability and change.is_enforced
                return self.validated(relation, str(change.conname), name, alone) if enforced else []
            case "AttachPartition":
                return self.attached(relation, getattr(action.node, "def").partition_cmd)
        return []

    def column_added(self, relation: Relation, action: Action) -> list[Precondition]:
        form = action.column
        assert form is not None
        if action.missing_ok and form.name in relation.columns:
            return []
        filled = form.default is not None and not form.has_null_default
        filled = filled or bool(form.generated) or form.identity or bool(form.serial)
        found = []
        if form.not_null and not filled:
            found.append(empty.no_rows(relation, form.name))
        unique = form.constraint("unique") or form.constraint("primary key")
        if unique is not None and form.default is not None and _constant(form.default) and not is_null(form.default):
            found.append(empty.one_row(relation, form.name))
        return found

    def retyped(self, relation: Relation, action: Action, alone: bool) -> list[Precondition]:
        form = action.column
        column = relation.columns.get(action.name)
        if form is None or column is None:
            return []
        target = type_ref(form.node.type_name)
        labels = self.changes.labels.get(key(target.name))
        name = ".".join(ident(p) for p in target.name.split("."))
        change = conversions.Change(
            relation, column, form, target, None if labels is not None else self.facts.type(name), labels, alone
        )
        found = conversions.conversions(change, self.facts)
        if labels is None and (why := self.changes.why_type(target.name)):
            found = [replace(f, sql="", obstacle=why) for f in found]
        return found

    def constraint(self, relation: Relation, form: ConstraintForm, alone: bool) -> list[Precondition]:
        """What a new constraint asks; nothing when it does not look at the rows (NOT VALID, NOT ENFORCED)."""
        if not form.validated or not form.enforced:
            return []
        columns, node = form.columns, form.node
        match form.kind:
            case "not null":
                return [p for c in columns for p in nulls.nulls(relation, c, alone=alone)]
            case "check":
                used = tuple(c for c in column_references(form.expression) if c in relation.columns)
                return [violators.violators(relation, form.expression, self.facts, columns=used, alone=alone)]
            case "unique" | "primary key":
                return self.unique(relation, form, node)
            case "foreign key":
                return self.foreign_key(relation, form)
            case "exclude":
                return [overlaps.overlaps(relation, node, self.facts)]
        return []

    def unique(self, relation: Relation, form: ConstraintForm, node: Any) -> list[Precondition]:
        found: list[Precondition] = []
        columns = form.columns
        if form.index:
            built = self.facts.index_columns(relation.oid, form.index) if form.kind == "primary key" else ()
            return [p for c in built for p in nulls.nulls(relation, c, alone=True)]
        if form.kind == "primary key":
            found = [p for c in columns for p in nulls.nulls(relation, c, alone=True)]
        made = duplicates.duplicates(relation, columns, nulls_count=bool(node.nulls_not_distinct))
        if node.without_overlaps:
            made = replace(made, sql="", obstacle="rows that overlap in time are not counted")
        return [*found, made]

    def foreign_key(self, relation: Relation, form: ConstraintForm) -> list[Precondition]:
        full = form.node.fk_matchtype == "f"
        new = self.changes.is_new(form.references)
        parent = None if new else self.changes.find(form.references)
        referenced = form.referenced or (parent.primary_key if parent else ())
        asked = orphans.orphans(relation, form.columns, parent, referenced, match_full=full, new_parent=form.references)
        why = self.changes.why(form.references, referenced)
        if not why and parent is None and not new:
            why = f"the target has no table {form.references} now"
        if not why and getattr(form.node, "fk_with_period", False):
            why = "keys over periods are not counted"
        return [replace(asked, sql="", obstacle=why) if why else asked]

    def validated(self, relation: Relation, constraint: str, name: str, alone: bool) -> list[Precondition]:
        """VALIDATE CONSTRAINT: of one that the plan added, or that the target has."""
        form = self.changes.constraints.get((self.changes.known_as(name), constraint))
        if form is None:
            text = self.facts.constraint(relation.oid, constraint)
            if not text:
                return []
            [statement] = grammar.raw_statements(f"ALTER TABLE t ADD {text}")
            form = constraint_form(getattr(statement.node.cmds[0].alter_table_cmd, "def").constraint)
            if form is None:
                return []
        return self.constraint(relation, replace(form, validated=True, enforced=True), alone)

    # -- partitions

    def attached(self, parent: Relation, command: Any) -> list[Precondition]:
        name = relation_key(command.name)
        if self.changes.is_new(name) and not self.changes.why(name):
            held: list[Precondition] = []
        else:
            child = self.changes.find(name)
            if child is None:
                return []
            inside = bounds.outside(parent, child, command.bound, self.facts)
            why = self.changes.why(name)
            held = [replace(inside, sql="", obstacle=why) if why else replace(inside, rows=child.rows)]
        return [*held, *self.default_rows(parent, command.bound)]

    def default_rows(self, parent: Relation, bound: Any) -> list[Precondition]:
        if not parent.default_partition or bound.is_default:
            return []
        default = self.facts.relation_of(parent.default_partition)
        if default is None:
            return []
        found = bounds.of_default(parent, default, bound, self.facts)
        why = self.changes.why(f"{default.schema}.{default.name}", found.columns)
        return [replace(found, sql="", obstacle=why) if why else replace(found, rows=default.rows)]

    def partition_made(self, node: Any) -> Iterator[Precondition]:
        form = table_form(node)
        if form.parent and form.bound is not None:
            yield from self.on(form.parent, lambda r: self.default_rows(r, form.bound), quiet=True)

    # -- domains

    def domain(self, node: Any) -> Iterator[Precondition]:
        """ALTER DOMAIN: every column of the domain. Source: manual, ALTER DOMAIN, Notes."""
        name = dotted(node.type_name)
        condition: Any | None = None
        if node.subtype == "C":
            form = constraint_form(getattr(node, "def").constraint)
            if form is None or not form.validated:
                return
            condition = form.expression if form.kind == "check" else None
        elif node.subtype not in ("O", "V"):
            return
        domain = self.facts.type(".".join(ident(p) for p in name.split(".")))
        if domain is None or self.changes.why_type(name):
            if self.changes.why_type(name):
                yield self.not_asked(name, self.changes.why_type(name))
            return
        if node.subtype == "V":
            text = self.facts.constraint(domain.oid, str(node.name))
            if not text:
                return
            [statement] = grammar.raw_statements(f"ALTER DOMAIN d ADD {text}")
            form = constraint_form(getattr(statement.node, "def").constraint)
            condition = form.expression if form is not None else None
        for use in self.facts.uses_of_domain(domain.oid):
            if use["nested"]:
                yield self.not_asked(name, f"{use['column']} is made of it, and is not looked into")
                continue
            relation = self.facts.relation_of(use["oid"])
            if relation is None:
                continue
            asked = violators.of_domain(relation, use["column"], domain.name, condition, self.facts)
            why = self.changes.why(f"{relation.schema}.{relation.name}", (use["column"],))
            asked = replace(asked, sql="", obstacle=why) if why else asked
            yield replace(asked, relation=relation.title, rows=relation.rows)

    def not_asked(self, domain: str, why: str) -> Precondition:
        return Precondition("domain-violators", f"the values of domain {domain} suit it", "", obstacle=why)


def _constant(expression: Any) -> bool:
    while expression.WhichOneof("node") == "type_cast":
        expression = expression.type_cast.arg
    return bool(expression.WhichOneof("node") == "a_const")
