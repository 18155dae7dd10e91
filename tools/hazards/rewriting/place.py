"""Where a rewriter stands: the statement (or the action of an ALTER TABLE) and what the schema before it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...schema.model import ObjectId, SchemaObject, Snapshot
from ...sql import grammar
from ...sql.quote import ident, qualified
from ..shapes import Action
from ..step import Step
from .registry import NoForm

LONGEST_NAME = 63  # bytes of an identifier; the server cuts what is longer


@dataclass
class Place:
    """step: the statement, as rules see it. action: the one action of an ALTER TABLE to rewrite, else None.
    before: the schema that the file finds; after: the one that it leaves, None when it does not run. version: the oldest of target and sandbox. rules: the findings to answer.
    moving: other actions of the same statement are rewritten as well or stand beside it."""

    step: Step
    action: Action | None
    before: Snapshot
    after: Snapshot | None
    version: int
    rules: frozenset[str]
    moving: bool = False

    @property
    def node(self) -> Any:
        return self.step.node

    @cached_property
    def relation(self) -> Any:
        """The RangeVar of the statement's own relation."""
        return self.node.relation

    @cached_property
    def sql(self) -> str:
        """The statement's own relation as SQL, qualified as it was written."""
        return qualified(self.relation.schemaname, self.relation.relname)

    @property
    def short(self) -> str:
        """The relation's name without its schema, plain."""
        return str(self.relation.relname)

    @cached_property
    def table(self) -> SchemaObject:
        """The statement's own relation in the schema before. Errors: NoForm when it is not there."""
        return self.find(self.relation.schemaname, self.relation.relname)

    def find(self, schema: str, name: str) -> SchemaObject:
        """A relation of the schema before: the one of that schema, or in public, or the only one of its name."""
        kinds = ("table", "materialized_view", "foreign_table", "view")
        if schema or ObjectId("table", "public", "", name) in self.before.objects:
            found = [self.before.objects.get(ObjectId(kind, schema or "public", "", name)) for kind in kinds]
        else:
            found = [o for kind in kinds for o in self.before.of(kind) if o.id.name == name]
        real = [o for o in found if o is not None]
        if len(real) != 1:
            raise NoForm(f"{qualified(schema, name)} is not in the schema that the file finds")
        return real[0]

    def columns(self) -> tuple[SchemaObject, ...]:
        """The columns of the statement's own relation, in order."""
        return self.before.children(self.table.id, "column")

    def column(self, name: str) -> SchemaObject:
        """A column that was there before. Errors: NoForm."""
        for found in self.columns():
            if found.id.name == name:
                return found
        raise NoForm(f"column {ident(name)} is not in the schema that the file finds")

    def key(self, table: SchemaObject | None = None) -> tuple[str, ...]:
        """The columns of the primary key, or of another unique key without NULLs; none when there is none."""
        table = table or self.table
        keys = self.before.children(table.id, "constraint")
        for constraint in keys:
            if constraint.properties["type"] == "primary key":
                return tuple(constraint.properties.get("columns", ()))
        filled = {c.id.name for c in self.before.children(table.id, "column") if c.properties.get("not_null")}
        for constraint in keys:
            names = tuple(constraint.properties.get("columns", ()))
            if constraint.properties["type"] == "unique" and filled.issuperset(names):
                return names
        return ()

    def partitions(self) -> tuple[SchemaObject, ...]:
        """The partitions right below the statement's own relation."""
        title = self.table.id
        wanted = {qualified(title.schema, title.name), title.name}
        return tuple(t for t in self.before.of("table") if t.properties.get("partition_of") in wanted)

    @property
    def partitioned(self) -> bool:
        return bool(self.table.properties.get("partition_key"))

    # -- text

    def alter(self, action: str) -> str:
        """ALTER TABLE of the statement's own relation with another action."""
        exists = "IF EXISTS " if self.node.missing_ok else ""
        only = "" if self.relation.inh else "ONLY "
        return f"ALTER TABLE {exists}{only}{self.sql} {action}"

    def only(self, commands: Iterable[Any]) -> str:
        """The ALTER TABLE with these of its commands."""
        node = type(self.node)()
        node.CopyFrom(self.node)
        kept = list(commands)
        del node.cmds[:]
        for command in kept:
            node.cmds.add().alter_table_cmd.CopyFrom(command)
        return grammar.statement_text(self.step.node_name, node)

    def name(self, *words: str) -> str:
        """A name made of words, short enough for the server to keep, not quoted."""
        made = "_".join(w for w in words if w)
        while len(made.encode()) > LONGEST_NAME:
            longest = max(range(len(words) - 1), key=lambda i: len(words[i]))
            words = (*words[:longest], words[longest][:-1], *words[longest + 1 :])
            made = "_".join(w for w in words if w)
        return made
