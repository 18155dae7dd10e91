"""A new column whose values the server would write, or whose constraints it would check, in one go."""

from __future__ import annotations

from typing import Any

from ...sql import grammar
from ...sql.quote import ident, literal, qualified
from ..rewriting.fill import fill
from ..rewriting.place import Place
from ..rewriting.registry import NoForm, Part, Room, rewriter
from ..rewriting.steps import VALIDATE, copy_of, name_of, not_null, unique_index
from ..shapes import ColumnForm, ConstraintForm, TypeRef
from ..volatility import volatile_call

FILLS = ("adding-volatile-default", "adding-serial-column", "adding-identity-column")


@rewriter(
    rules=(*FILLS, "adding-foreign-key", "adding-check", "adding-unique", "adding-primary-key"),
    actions=("AddColumn",),
    form="`ADD COLUMN` empty, `SET DEFAULT` for new rows, old rows filled in batches by key with a commit after each, then "
    "NOT NULL, CHECK, UNIQUE, PRIMARY KEY and REFERENCES in their own safe forms; serial and identity by a sequence that "
    "ends up where theirs would",
)
def rewrite(place: Place) -> list[Part] | None:
    assert place.action is not None
    column = place.action.column
    if column is None or not place.step.old:
        return None
    if place.action.missing_ok:
        raise NoForm("ADD COLUMN IF NOT EXISTS may find a column that is filled already")
    return _Column(place, column).parts()


class _Column:
    """One ADD COLUMN taken apart."""

    def __init__(self, place: Place, column: ColumnForm) -> None:
        self.place, self.column, self.name = place, column, ident(column.name)
        volatile = column.default is not None and (
            place.version < 11 or volatile_call(column.default, place.step.catalog) is not None
        )
        self.fills = bool(volatile or column.serial or column.identity)
        self.filled = self.fills or (column.default is not None and not column.has_null_default)

    def parts(self) -> list[Part]:
        column, place = self.column, self.place
        parts = [Part(place.only([self.bare()]))]
        finish: list[Part] = []
        if column.serial:
            parts += self.serial()
        elif column.identity:
            first, finish = self.identity()
            parts += first
        elif self.fills:
            parts.append(Part(place.alter(f"ALTER COLUMN {self.name} SET DEFAULT {grammar.printed(column.default)}")))
        for constraint in column.constraints:
            if constraint.kind in ("check", "foreign key"):
                parts += self.later(constraint)
        if self.fills:
            parts.insert(self.before_validation(parts), fill(place, f"{self.name} = DEFAULT", f"{self.name} IS NULL"))
        if self.fills and (column.not_null or self.key("primary key")):
            named = column.constraint("not null")
            parts += not_null(place, column.name, named.name if named else "", start=2)
        last = max(p.phase for p in parts)
        for kind, words in (("unique", "UNIQUE"), ("primary key", "PRIMARY KEY")):
            if constraint_found := self.key(kind):
                parts += self.unique(constraint_found, words, max(last + 1, 2))
        parts += finish
        if len(parts) == 1:
            raise NoForm("the column is written for every row, and nothing of that can be done later")
        return sorted(parts, key=lambda p: p.phase)

    def key(self, kind: str) -> ConstraintForm | None:
        return self.column.constraint(kind)

    @staticmethod
    def before_validation(parts: list[Part]) -> int:
        return next((i for i, p in enumerate(parts) if p.phase >= 1), len(parts))

    def bare(self) -> Any:
        """The ADD COLUMN without what is done later."""
        command = copy_of(self.place.action.node)  # type: ignore[union-attr]
        definition = getattr(command, "def").column_def
        kept = []
        for wrapped in definition.constraints:
            kind = grammar.enum_name(wrapped.constraint, "contype")
            stays = {"CONSTR_NULL": True, "CONSTR_DEFAULT": not self.fills, "CONSTR_NOTNULL": not self.fills}
            if kind == "CONSTR_GENERATED":
                raise NoForm("a generated column cannot be filled later")
            if stays.get(kind, False):
                kept.append(copy_of(wrapped))
        del definition.constraints[:]
        definition.constraints.extend(kept)
        if self.column.serial:
            del definition.type_name.names[:]
            for word in ("pg_catalog", self.column.type.name):
                definition.type_name.names.add().string.sval = word
        return command

    def serial(self) -> list[Part]:
        """Source: manual, Numeric Types, Serial Types: what the word stands for."""
        place = self.place
        name = qualified(place.relation.schemaname, place.name(place.short, self.column.name, "seq"))
        kind = str(TypeRef(self.column.type.name))
        return [
            Part(f"CREATE SEQUENCE {name} AS {kind} OWNED BY {place.sql}.{self.name}"),
            Part(place.alter(f"ALTER COLUMN {self.name} SET DEFAULT nextval({literal(name)}::regclass)")),
        ]

    def identity(self) -> tuple[list[Part], list[Part]]:
        """(a sequence that fills the column, the identity that takes over where it stopped). Source: manual, ALTER
        TABLE, ADD GENERATED: the column must be NOT NULL and without a default."""
        place = self.place
        node = next(
            w.constraint
            for w in self.column.node.constraints
            if grammar.enum_name(w.constraint, "contype") == "CONSTR_IDENTITY"
        )
        if node.options:
            raise NoForm("identity columns with options of their own are not taken apart")
        when = "ALWAYS" if node.generated_when == "a" else "BY DEFAULT"
        helper = qualified(place.relation.schemaname, place.name(place.short, self.column.name, "numbers"))
        kind = str(TypeRef(self.column.type.name))
        bond = f"identity {place.sql}.{self.name}"
        first = [
            Part(f"CREATE SEQUENCE {helper} AS {kind} OWNED BY {place.sql}.{self.name}"),
            Part(place.alter(f"ALTER COLUMN {self.name} SET DEFAULT nextval({literal(helper)}::regclass)")),
        ]
        owner = f"pg_get_serial_sequence({literal(place.sql)}, {literal(self.column.name)})"
        last = [
            place.alter(f"ALTER COLUMN {self.name} DROP DEFAULT"),
            f"ALTER SEQUENCE {helper} OWNED BY NONE",
            place.alter(f"ALTER COLUMN {self.name} ADD GENERATED {when} AS IDENTITY"),
            f"SELECT setval({owner}, last_value, is_called) FROM {helper}",
            f"DROP SEQUENCE {helper}",
        ]
        return first, [Part(sql, phase=9, step="finish", bond=bond) for sql in last]

    def later(self, constraint: ConstraintForm) -> list[Part]:
        """A CHECK or REFERENCES of the column, NOT VALID first; as part of a new, empty column it costs nothing."""
        place = self.place
        command = copy_of(place.action.node)  # type: ignore[union-attr]
        command.Clear()
        command.subtype = _subtype(command, "AT_AddConstraint")
        made = getattr(command, "def").constraint
        made.CopyFrom(constraint.node)
        made.conname = name = name_of(place, constraint)
        if constraint.kind == "foreign key":
            made.fk_attrs.add().string.sval = self.column.name
        made.skip_validation = self.filled
        made.initially_valid = not self.filled
        parts = [Part(place.only([command]))]
        if self.filled and constraint.enforced:
            parts.append(Part(place.alter(f"VALIDATE CONSTRAINT {ident(name)}"), Room.OWN, 1, VALIDATE))
        return parts

    def unique(self, constraint: ConstraintForm, words: str, finish: int) -> list[Part]:
        node = copy_of(constraint.node)
        if not node.keys:
            node.keys.add().string.sval = self.column.name
        name = name_of(self.place, constraint)
        return unique_index(self.place, node, name, words, finish=finish)


def _subtype(command: Any, name: str) -> int:
    return int(command.DESCRIPTOR.fields_by_name["subtype"].enum_type.values_by_name[name].number)
