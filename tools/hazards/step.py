"""One statement on its way: what a rule may ask about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Generic, NamedTuple, TypeVar

from ..sql import grammar
from ..sql.effects import object_word
from .catalog import Catalog, Table
from .context import Context
from .registry import Effect, Hit, Rule
from .shapes import Action, ColumnForm, ConstraintForm, TableForm, actions_of, relation_key, table_form
from .transaction import Transaction

Found = TypeVar("Found")


class cached_property(Generic[Found]):
    """functools.cached_property without the lock that Python 3.11 takes around each first access."""

    def __init__(self, make: Callable[[Any], Found]) -> None:
        self.make, self.name = make, make.__name__
        self.__doc__ = make.__doc__

    def __get__(self, instance: Any, owner: Any = None) -> Found:
        made = instance.__dict__[self.name] = self.make(instance)
        return made


WRITES = frozenset({"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})
ASKED_FOR = frozenset({"CommonTableExpr", "Constraint", "FuncCall", "RangeVar", "TypeName"})


class Ahead(NamedTuple):
    """A later statement of the script, for rules that look ahead."""

    node_name: str
    node: Any


@dataclass(eq=False, repr=False)
class Step:
    """A statement with the state of the world just before it.

    index: its number in the script (that of the statement around it for one inside a body). line: in the file.
    alone: the runner takes it out of the transaction around the script. inside: "" or what it stands in ("a DO block", "function f"). transactional: see records.Statement.
    script: all statements of the script, of which the first `passed` are this one and those before it (see `after`).
    found: what rules said of this statement so far.
    locks: what locks_of found, None before it is asked.
    """

    index: int
    line: int
    text: str
    kind: str
    node_name: str
    node: Any
    catalog: Catalog
    transaction: Transaction
    context: Context
    transactional: bool | None = True
    inside: str = ""
    alone: bool = False
    script: Sequence[Ahead] = ()
    passed: int = 0
    found: list[tuple[Rule, Hit]] = field(default_factory=list)
    locks: tuple[tuple[str, str], ...] | None = field(default=None, init=False)

    @property
    def after(self) -> Iterator[Ahead]:
        """The statements that follow in the script."""
        return islice(self.script, self.passed, None)

    @property
    def in_transaction(self) -> bool:
        """Whether the statement runs inside a transaction block (or a body, which always does)."""
        return (self.transaction.open and not self.alone) or bool(self.inside)

    @property
    def version(self) -> int:
        return self.context.pg_version

    @cached_property
    def actions(self) -> tuple[Action, ...]:
        """The actions of an ALTER TABLE; none for other statements (ALTER INDEX, ALTER VIEW among them)."""
        if self.node_name == "alter_table_stmt" and self.objtype in ("TABLE", "FOREIGN TABLE"):
            return actions_of(self.node)
        return ()

    @cached_property
    def objtype(self) -> str:
        return object_word(self.node, "objtype") if self.node_name == "alter_table_stmt" else ""

    @cached_property
    def form(self) -> TableForm:
        """The CREATE TABLE in plain form. Errors: AttributeError for another statement."""
        return table_form(self.node)

    @cached_property
    def relation(self) -> str:
        """The catalog key of the statement's own relation."""
        return relation_key(self.node.relation)

    @cached_property
    def table(self) -> Table:
        """What is known of the statement's own relation."""
        return self.catalog.table(self.relation)

    @cached_property
    def old(self) -> bool:
        """Whether the statement's own relation was there before the change, so that others use it."""
        return not self.catalog.is_new(self.relation)

    def acts(self, *kinds: str) -> Sequence[Action]:
        """The ALTER TABLE actions of some kinds."""
        return [a for a in self.actions if a.kind in kinds] if self.actions else ()

    def found_effects(self, *effects: Effect) -> list[tuple[Rule, Hit]]:
        """What rules found in this statement so far that has one of the effects."""
        return [(r, h) for r, h in self.found if (h.effect or r.effect) in effects]

    @cached_property
    def _messages(self) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        for message in grammar.messages(self.node, ASKED_FOR):
            found.setdefault(message.DESCRIPTOR.name, []).append(message)
        return found

    def messages(self, kind: str) -> list[Any]:
        """The messages of one kind of ASKED_FOR ("FuncCall", "RangeVar") in the statement's tree, in order."""
        assert kind in ASKED_FOR, kind
        return self._messages.get(kind, [])

    def writes(self) -> list[Any]:
        """The INSERT, UPDATE, DELETE and MERGE of a query (messages of those kinds): itself, and what WITH holds."""
        if "with" in self.text.lower():
            return [m for m in grammar.messages(self.node, WRITES)]
        return [self.node] if self.node.DESCRIPTOR.name in WRITES else []

    def declared(self) -> Iterator[tuple[str, ColumnForm]]:
        """(table, column) for each column that a CREATE TABLE or ALTER TABLE defines or gives a new type."""
        if self.node_name == "create_stmt":
            for column in self.form.columns:
                yield self.form.name, column
        for action in self.acts("AddColumn", "AlterColumnType"):
            if action.column is not None:
                action.column.name = action.name
                yield self.relation, action.column

    def foreign_keys(self) -> Iterator[ConstraintForm]:
        """The foreign keys that a CREATE TABLE or ALTER TABLE adds, those written at a column too."""
        if self.node_name == "create_stmt":
            yield from (c for c in self.form.constraints if c.kind == "foreign key")
        for action in self.acts("AddConstraint"):
            if action.constraint is not None and action.constraint.kind == "foreign key":
                yield action.constraint
        for action in self.acts("AddColumn"):
            if action.column is not None:
                yield from (c for c in action.column.constraints if c.kind == "foreign key")
