"""A column's type changed by expand and contract: a new column beside the old one, kept equal by a trigger, filled in
batches, given everything that hangs on the old one, and put in its place in one short transaction."""

from __future__ import annotations

from typing import Any

from ...schema.model import SchemaObject
from ...sql import grammar
from ...sql.quote import ident, literal, qualified
from ..rewriting.expressions import of_row, statement, with_column
from ..rewriting.fill import fill
from ..rewriting.place import Place
from ..rewriting.registry import NoForm, Part, Room, rewriter
from ..rewriting.steps import NOT_NULL_LATER, copy_of, not_null

READY, CHECKED, SWAP = 2, 3, 6  # phases: constraints and indexes, their validation, the exchange
PLAIN = {"position", "type", "not_null", "not_null_name", "default", "comment", "collation"}


@rewriter(
    rules=("changing-column-type", "changing-column-type-unverified"),
    actions=("AlterColumnType",),
    form="expand and contract: a new column, kept equal by a trigger, filled in batches by key; NOT NULL, CHECK, foreign "
    "keys, indexes and keys made for it while everybody works; then both exchanged in one short transaction. The column "
    "ends up last in its table",
)
def rewrite(place: Place) -> list[Part]:
    return _Change(place).parts()


class _Change:
    """One ALTER COLUMN ... TYPE."""

    def __init__(self, place: Place) -> None:
        assert place.action is not None
        if place.after is None:
            raise NoForm("the original does not run here, so it is not known what it leaves")
        self.place, self.action, self.after = place, place.action, place.after
        self.old = place.action.name
        self.new = place.name(self.old, "new")
        self.column = place.column(self.old)
        self.final = self.after.objects.get(self.column.id)
        self.bond = f"exchange of {place.sql}.{self.old}"
        self.early: list[Part] = []
        self.swap: list[str] = []
        self.refuse()

    def refuse(self) -> None:
        place, table = self.place, self.place.table
        if self.final is None:
            raise NoForm(f"column {ident(self.old)} is not there afterwards")
        if place.partitioned or table.properties.get("partition_of") or table.properties.get("inherits"):
            raise NoForm(f"{place.sql} is partitioned or inherits, and columns of such tables come and go together")
        if self.new in {c.id.name for c in place.columns()}:
            raise NoForm(f"there is a column {ident(self.new)} already")
        if extra := sorted(set(self.column.properties) - PLAIN):
            raise NoForm(
                f"column {ident(self.old)} has {', '.join(extra).replace('_', ' ')}, which a new one would lack"
            )
        for other in place.before.of("constraint"):
            mine = other.id.parent == table.id.name and other.id.schema == table.id.schema
            target = other.properties.get("references") == qualified(table.id.schema, table.id.name)
            if target and not mine and self.old in other.properties.get("referenced_columns", ()):
                raise NoForm(f"foreign key {other.id.name} of {other.id.parent} points to the column")
            if target and mine:
                raise NoForm(f"foreign key {other.id.name} points to the table itself")
        for other in place.before:
            if other.id.kind in ("constraint", "index", "sequence", "table"):
                continue
            if self.column.id in other.depends and other.id != self.column.id:
                raise NoForm(f"{other.id} uses the column, and would have to be made anew")

    def parts(self) -> list[Part]:
        place, new = self.place, ident(self.new)
        command = copy_of(self.action.node)
        command.subtype = _number(command, "AT_AddColumn")
        command.name = ""
        definition = getattr(command, "def").column_def
        using = copy_of(definition.raw_default) if definition.HasField("raw_default") else None
        definition.ClearField("raw_default")
        definition.colname = self.new
        # Without USING both assign, as ALTER TYPE does: a cast would cut off what is too long.
        value = grammar.printed(using) if using is not None else ident(self.old)
        of_new = of_row(using, "new") if using is not None else f"new.{ident(self.old)}"
        hook = place.name("zz", place.short, self.old, "same")  # the last of the row's triggers to run
        function = qualified(place.relation.schemaname, hook)
        body = f"BEGIN\n    new.{new} := {of_new};\n    RETURN new;\nEND"
        hang = f"CREATE TRIGGER {ident(hook)} BEFORE INSERT OR UPDATE ON {place.sql}"
        expand = [
            place.only([command]),
            f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $same$\n{body} $same$",
            f"{hang}\n    FOR EACH ROW EXECUTE FUNCTION {function}()",
        ]
        parts = [Part(sql, bond=f"new column {place.sql}.{new}") for sql in expand]
        parts.append(fill(place, f"{new} = {value}", f"{new} IS NULL"))
        self.swap = [f"DROP TRIGGER {ident(hook)} ON {place.sql}", f"DROP FUNCTION {function}()"]
        self.sequences()
        self.swap += [
            place.alter(f"DROP COLUMN {ident(self.old)}"),
            place.alter(f"RENAME COLUMN {new} TO {ident(self.old)}"),
        ]
        self.column_itself()
        self.constraints()
        self.indexes()
        parts += self.early
        parts += [Part(sql, phase=SWAP, step="exchange", bond=self.bond) for sql in self.swap]
        return parts

    def sequences(self) -> None:
        """A serial column's sequence would go with the old column."""
        table = self.place.table.id
        for sequence in self.place.before.of("sequence"):
            if list(sequence.properties.get("owned_by", ())) == [table.schema, table.name, self.old]:
                name = qualified(sequence.id.schema, sequence.id.name)
                self.swap.append(f"ALTER SEQUENCE {name} OWNED BY {self.place.sql}.{ident(self.new)}")

    def column_itself(self) -> None:
        """Default, comment and NOT NULL, as the original leaves them."""
        assert self.final is not None
        place, name, properties = self.place, ident(self.old), self.final.properties
        if default := properties.get("default"):
            self.swap.append(place.alter(f"ALTER COLUMN {name} SET DEFAULT {default}"))
        if comment := properties.get("comment"):
            self.swap.append(f"COMMENT ON COLUMN {place.sql}.{name} IS {literal(str(comment))}")
        if properties.get("not_null"):
            filled = not_null(place, self.new, start=READY)
            self.early += filled
            if place.version >= NOT_NULL_LATER:
                made = place.name(place.short, self.new, "not_null")
                known = str(properties.get("not_null_name") or place.name(place.short, self.old, "not_null"))
                self.swap.append(place.alter(f"RENAME CONSTRAINT {ident(made)} TO {ident(known)}"))

    def constraints(self) -> None:
        for constraint in self.place.before.children(self.place.table.id, "constraint"):
            now = self.after.objects.get(constraint.id)
            if now is None or self.old not in constraint.properties.get("columns", ()):
                continue
            kind = constraint.properties["type"]
            if kind == "exclude":
                raise NoForm(f"exclusion constraint {constraint.id.name} is on the column")
            if kind in ("check", "foreign key"):
                self.checked(now, kind)

    def checked(self, constraint: SchemaObject, kind: str) -> None:
        """A CHECK or foreign key for the new column, under another name until the exchange."""
        if constraint.properties.get("not_valid") or constraint.properties.get("not_enforced"):
            raise NoForm(f"constraint {constraint.id.name} is not valid; validate it first")
        place, name = self.place, constraint.id.name
        helper = place.name(name, "new")
        text = f"ALTER TABLE {place.sql} ADD CONSTRAINT {ident(helper)} {constraint.properties['definition']}"
        node_name, node = statement(text)
        made = getattr(node.cmds[0].alter_table_cmd, "def").constraint
        if kind == "check":
            with_column(made.raw_expr, self.old, self.new)
        for attribute in made.fk_attrs:
            if attribute.string.sval == self.old:
                attribute.string.sval = self.new
        made.skip_validation, made.initially_valid = True, False
        self.early += [
            Part(grammar.statement_text(node_name, node), phase=READY),
            Part(place.alter(f"VALIDATE CONSTRAINT {ident(helper)}"), Room.OWN, CHECKED, "validate"),
        ]
        self.swap.append(place.alter(f"RENAME CONSTRAINT {ident(helper)} TO {ident(name)}"))

    def indexes(self) -> None:
        """The indexes on the column, built CONCURRENTLY for the new one; those of keys become their constraints."""
        for index in self.place.before.children(self.place.table.id, "index"):
            now = self.after.objects.get(index.id)
            if now is None:
                continue
            node_name, node = statement(str(now.properties["definition"]))
            if not with_column(node, self.old, self.new):
                continue
            if flags := sorted({"replica_identity", "clustered", "invalid"} & now.properties.keys()):
                raise NoForm(f"index {index.id.name} is {flags[0].replace('_', ' ')}")
            helper = self.place.name(index.id.name, "new")
            node.idxname, node.concurrent = helper, True
            self.early.append(Part(grammar.statement_text(node_name, node), Room.OUTSIDE, READY, "index"))
            if owner := now.properties.get("constraint"):
                self.key(str(owner), helper)
            else:
                whole = qualified(index.id.schema, helper)
                self.swap.append(f"ALTER INDEX {whole} RENAME TO {ident(index.id.name)}")
            if comment := now.properties.get("comment"):
                name = qualified(index.id.schema, index.id.name)
                self.swap.append(f"COMMENT ON INDEX {name} IS {literal(str(comment))}")

    def key(self, name: str, index: str) -> None:
        constraint = self.after.objects[replace_name(self.column, name)]
        words = {"primary key": "PRIMARY KEY", "unique": "UNIQUE"}[constraint.properties["type"]]
        late = " DEFERRABLE" if constraint.properties.get("deferrable") else ""
        late += " INITIALLY DEFERRED" if constraint.properties.get("initially_deferred") else ""
        self.swap.append(self.place.alter(f"ADD CONSTRAINT {ident(name)} {words} USING INDEX {ident(index)}{late}"))


def replace_name(column: SchemaObject, name: str) -> Any:
    """The identity of a constraint of the column's table."""
    return column.id._replace(kind="constraint", name=name)


def _number(command: Any, name: str) -> int:
    return int(command.DESCRIPTOR.fields_by_name["subtype"].enum_type.values_by_name[name].number)
