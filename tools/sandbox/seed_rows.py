"""Candidate rows for one table: foreign keys first, then column by column, different where they must differ."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any
from zlib import crc32

from .seed_catalog import Catalog, Column, ForeignKey, Table
from .seed_hints import Hint, hints
from .seed_values import Values

Row = dict[str, Any]
Parents = Callable[[ForeignKey], Sequence[tuple[str, ...]]]
BRANCHES = 12  # rows take the sides of an OR in turn
TRIES = 40  # for a row that differs from all others


class NoParent(Exception):
    """A foreign key cannot be filled; the message says which."""


class Rows:
    """Makes rows of a table.

    parents: the key values that a foreign key may take. later: keys that stay empty for now. explicit: also give
    values for columns that the server would fill (needed where rows point to each other).
    """

    def __init__(
        self,
        catalog: Catalog,
        table: Table,
        seed: int,
        parents: Parents,
        *,
        later: Sequence[ForeignKey] = (),
        explicit: bool = False,
        taken: dict[tuple[str, ...], set[tuple[str, ...]]] | None = None,
    ) -> None:
        self.table, self.seed, self.parents, self.later, self.explicit = table, seed, parents, later, explicit
        self.values = Values(catalog.types)
        # the widest first: a narrower key that shares its columns is then satisfied by the same rows
        self.keys = sorted(table.foreign_keys, key=lambda key: -len(key.columns))
        self.columns = [c for c in table.columns if not c.generated and (explicit or not c.sequence)]
        own = {c.name for c in self.columns}
        self.uniques = [u for u in table.uniques if set(u) <= own]
        self.distinct = {c for u in self.uniques for c in u}
        self.taken = taken if taken is not None else {u: set() for u in self.uniques}
        self._hints: dict[tuple[int, int], dict[str, Hint]] = {}

    def make(self, number: int, salt: int = 0) -> Row | None:
        """Row `number`, another one for each salt; None when no row can be found that differs from all before.

        Errors: NoParent, Unsupported.
        """
        for turn in range(TRIES):
            row = self._one(number, salt + turn)
            keys = [(u, tuple(str(row[c]) for c in u)) for u in self.uniques if all(row[c] is not None for c in u)]
            if not any(key in self.taken.setdefault(u, set()) for u, key in keys):
                for u, key in keys:
                    self.taken[u].add(key)
                return row
        return None

    def forget(self, row: Row) -> None:
        """The row did not come to be: its keys are free again."""
        for u in self.uniques:
            self.taken[u].discard(tuple(str(row[c]) for c in u))

    def _one(self, number: int, salt: int) -> Row:
        chance = random.Random(f"{self.seed}/{self.table.title}/{number}/{salt}")
        hint = self._hint(number, salt)
        row: Row = {}
        for place, key in enumerate(self.keys):
            self._fill_key(row, key, place, number, salt, chance, hint)
        waiting = []
        for column in self.columns:
            if column.name in row:
                continue
            asked = hint.get(column.name)
            if asked and (asked.above or asked.same):
                waiting.append((column, asked))
                row[column.name] = None
            row[column.name] = self._value(column, asked or Hint(), number + salt * 1000, chance)
        for column, asked in waiting:
            self._relate(row, column, asked, number)
        return row

    def _hint(self, number: int, salt: int) -> dict[str, Hint]:
        leaves = self.table.leaves
        leaf = (number + salt) % len(leaves) if leaves else 0
        branch = (number - 1 + salt) % BRANCHES
        if (leaf, branch) not in self._hints:
            self._hints[leaf, branch] = hints([*self.table.checks, *leaves[leaf : leaf + 1]], branch)
        return self._hints[leaf, branch]

    def _value(self, column: Column, hint: Hint, number: int, chance: random.Random) -> Any:
        if not column.not_null and (
            hint.null
            or column.type_text == "xml"
            or (hint.null is None and column.name not in self.distinct and _empty(column.name, number))
        ):
            return None  # xml: a server may be built without it
        distinct = column.name in self.distinct
        return self.values.make(column.type, column.modifier, hint, number, chance, column.name, distinct=distinct)

    def _fill_key(
        self,
        row: Row,
        key: ForeignKey,
        place: int,
        number: int,
        salt: int,
        chance: random.Random,
        hint: dict[str, Hint],
    ) -> None:
        own = [c for c in key.columns if c not in row]
        free = [c for c in own if not self.table.column(c).not_null]
        if key in self.later or any(h.null for c in free if (h := hint.get(c))):
            row.update(dict.fromkeys(free))
            return
        if free and not self.distinct & set(free) and _empty(key.name, number):
            row.update(dict.fromkeys(free))
            return
        fixed = {c: row[c] for c in key.columns if c in row}
        found = [
            values
            for values in self.parents(key)
            if all(
                str(dict(zip(key.columns, values, strict=True))[c]) == str(v) for c, v in fixed.items() if v is not None
            )
        ]
        if not own:
            return
        if not found:
            if free:
                row.update(dict.fromkeys(free))
                return
            raise NoParent(f"no row that {key.name} could point to")
        # one after the other, so that one-to-one keys work out; a table's next key starts elsewhere, so that pairs differ
        at = chance.randrange(len(found)) if salt else (number - 1 + place * number // len(found)) % len(found)
        for column, value in zip(key.columns, found[at], strict=True):
            row.setdefault(column, value)

    def _relate(self, row: Row, column: Column, hint: Hint, number: int) -> None:
        for other in hint.same:
            if row.get(other) is not None:
                row[column.name] = row[other]
        for other in hint.above:
            if row.get(other) is not None and row[column.name] is not None:
                later = self.values.after(column.type, row[other], number)
                row[column.name] = later if later is not None else row[column.name]


def _empty(name: str, number: int) -> bool:
    """Whether a column that may be NULL is, in this row: one of six, each column in other rows."""
    return (number + crc32(name.encode())) % 6 == 0
