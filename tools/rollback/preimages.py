"""Which rows and columns have to be kept before a migration runs, so that a rollback can put them back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..schema.ddl.conversions import base, lossless
from ..schema.model import ObjectId, SchemaObject, Snapshot
from .identities import Identities, Named
from .written import ALL, Written

ARCHIVE = "agentdb_archive"

# Types of the server that compare and copy as they are; all others are kept as text, which any type can be read from.
PLAIN_TYPES = frozenset(
    """smallint integer bigint numeric real text boolean uuid date bytea jsonb interval inet cidr macaddr oid
    character character_varying double_precision time_without_time_zone time_with_time_zone
    timestamp_without_time_zone timestamp_with_time_zone""".split()
)


@dataclass(frozen=True, slots=True)
class KeptColumn:
    """A column that is kept. after: its name after the migration, "" when it is gone; as_text: kept as text.

    lost: the migration drops it. converted: its type changes; other_type: to another one of the same name, or one that
    lacks a label or an attribute. in_place: that happened to the type alone, and wrote no row.
    """

    name: str
    type: str
    as_text: bool
    after: str = ""
    after_type: str = ""
    identity: str = ""
    other_type: bool = False
    in_place: bool = False

    @property
    def lost(self) -> bool:
        return not self.after

    @property
    def converted(self) -> bool:
        return bool(self.after) and (self.other_type or self.type != self.after_type)

    @property
    def returns(self) -> bool:
        """Whether every value comes back by converting it back."""
        return not self.other_type and lossless(self.type, self.after_type)


@dataclass(frozen=True, slots=True)
class Kept:
    """A table of which rows are kept.

    after: the table after the migration, None when it is dropped. archive: name of the copy, in schema
    agentdb_archive. key: columns by which rows are found again, () when there are none: then by their content.
    kinds: what the migration does to its rows. rewritten: another table took its name. key_changes: values of the
    key may be changed, so that a row seems deleted and another inserted.
    """

    table: ObjectId
    after: ObjectId | None
    archive: str
    key: tuple[str, ...]
    columns: tuple[KeptColumn, ...]
    kinds: frozenset[str]
    partitioned: bool = False
    after_partitioned: bool = False
    secured: bool = False
    rewritten: bool = False
    key_changes: bool = False

    @property
    def dropped(self) -> bool:
        return self.after is None

    @property
    def lost(self) -> tuple[KeptColumn, ...]:
        return tuple(c for c in self.columns if c.lost)

    @property
    def converted(self) -> tuple[KeptColumn, ...]:
        return tuple(c for c in self.columns if c.converted)

    @property
    def shared(self) -> tuple[KeptColumn, ...]:
        """The kept columns that the table has after the migration too."""
        return tuple(c for c in self.columns if not c.lost)

    @property
    def follows_rows(self) -> bool:
        """Whether single rows have to be looked at: the migration writes rows, or converts values."""
        return not self.dropped and bool(self.kinds or self.converted)

    @property
    def keys(self) -> tuple[KeptColumn, ...]:
        by_name = {c.name: c for c in self.columns}
        return tuple(by_name[k] for k in self.key)


def kept_tables(
    before: Snapshot,
    old: Identities,
    new: Identities,
    written: Written,
    label: str,
    *,
    after: Snapshot,
) -> list[Kept]:
    """The tables of `before` whose rows or columns the migration takes, changes or adds to."""
    found: list[Kept] = []
    names: set[str] = set()
    for table in before.of("table"):
        address = old.by_id.get(table.id)
        now = new.at(address)
        gone = now is None
        rewritten = False
        if now is None:  # another table under the old name takes its place
            other = new.by_id.get(table.id)
            now = new.at(other)
            rewritten = now is not None and now.id.kind == "table"
            now = now if rewritten else None
        parent = _root(table, before)
        if parent is not None and new.at(old.by_id.get(parent.id)) is None:
            continue  # the whole partitioned table goes: kept there
        if parent is not None and not gone and (parent.id in written.kinds or not written.kinds.get(table.id)):
            continue
        kinds = ALL if rewritten else written.kinds.get(table.id, frozenset())
        kept = _kept(table, now, before, old, new, kinds, written, after, rewritten)
        if kept is None:
            continue
        name = archive_name(label, table.id, names)
        names.add(name)
        found.append(replace(kept, archive=name))
    return found


def _root(table: SchemaObject, before: Snapshot) -> SchemaObject | None:
    """The partitioned table at the top, when the table is a partition."""
    found = None
    while parent := table.properties.get("partition_of"):
        match = [t for t in before.of("table") if f"{t.id.schema}.{t.id.name}" == str(parent).replace('"', "")]
        if not match:
            return found
        table = found = match[0]
    return found


def _kept(
    table: SchemaObject,
    now: Named | None,
    before: Snapshot,
    old: Identities,
    new: Identities,
    kinds: frozenset[str],
    written: Written,
    after: Snapshot,
    rewritten: bool,
) -> Kept | None:
    everything = _all_columns(table, now, before, after, old, new)
    if now is None:
        return replace(everything, key=_key(table, before, everything, gone=True))
    after_table = after.objects.get(now.id)
    everything = replace(
        everything,
        kinds=kinds,
        rewritten=rewritten,
        after_partitioned=bool(after_table and after_table.properties.get("partition_key")),
    )
    key = _key(table, before, everything)
    everything = replace(everything, key=key)
    lost = {c.name for c in everything.lost}
    converted = {c.name for c in everything.converted if not c.returns}
    if not kinds and not lost and not converted:
        return None
    if not key:
        return everything
    wanted = set(key) | lost | converted
    if kinds - {"insert"}:
        columns = written.columns.get(table.id)
        if kinds <= {"insert", "update"} and columns and not set(columns) & set(key):
            wanted |= set(columns)
        else:
            wanted |= {c.name for c in everything.columns}
            everything = replace(everything, key_changes="update" in kinds)
    return replace(everything, columns=tuple(c for c in everything.columns if c.name in wanted))


def _all_columns(
    table: SchemaObject, now: Named | None, before: Snapshot, after: Snapshot, old: Identities, new: Identities
) -> Kept:
    columns = []
    same = now is not None and new.by_id.get(now.id) == old.by_id.get(table.id)
    for column in before.children(table.id, "column"):
        p = column.properties
        if p.get("generated"):
            continue
        name, type_name = "", ""
        if now is not None:
            address = old.by_id[column.id] if same else new.by_id.get(_child(now.id, column.id.name))
            found = new.at(address)
            if found is not None:
                name, type_name = found.id.name, found.type
        text = base(str(p["type"])).replace(" ", "_") not in PLAIN_TYPES or bool(p.get("collation"))
        columns.append(
            KeptColumn(
                column.id.name,
                str(p["type"]),
                text or bool(name and base(type_name) != base(str(p["type"]))),
                name,
                _printed(type_name, str(p["type"])),
                str(p.get("identity") or ""),
                bool(name) and _other_type(str(p["type"]), before, after, old, new),
                _composite(str(p["type"]), before),
            )
        )
    return Kept(
        table=table.id,
        after=now.id if now else None,
        archive="",
        key=(),
        columns=tuple(columns),
        kinds=frozenset(),
        partitioned=bool(table.properties.get("partition_key")),
        secured=bool(table.properties.get("row_security")),
    )


def _other_type(name: str, before: Snapshot, after: Snapshot, old: Identities, new: Identities) -> bool:
    """Whether a type of this name is another one after the migration, or an enum that lacks a label."""
    inner = name.removesuffix("[]")
    for kind in ("enum", "domain", "composite", "range"):
        for obj in before.of(kind):
            if f"{obj.id.schema}.{obj.id.name}" != inner.replace('"', ""):
                continue
            there = new.at(old.by_id.get(obj.id))
            if there is None:
                return True
            now = after.objects.get(there.id)
            if kind == "composite":
                return any(_gone(obj.id, a, old, new) for a in obj.properties.get("attributes") or ())
            had = set(obj.properties.get("labels") or ())
            return now is None or len(had) > len(now.properties.get("labels") or ())
    return False


def _composite(name: str, before: Snapshot) -> bool:
    inner = name.removesuffix("[]").replace('"', "")
    return any(f"{c.id.schema}.{c.id.name}" == inner for c in before.of("composite"))


def _gone(composite: ObjectId, attribute: Mapping[str, Any], old: Identities, new: Identities) -> bool:
    """Whether an attribute of a composite type is dropped, or gets another type."""
    found = new.at(old.by_id.get(ObjectId("attribute", composite.schema, composite.name, str(attribute["name"]))))
    return found is None or found.type != _printed(found.type, str(attribute["type"]))


def _printed(found: str, wanted: str) -> str:
    """The type as the snapshot prints it: a session's search path may have left the schema away."""
    bare = wanted.rsplit(".", 1)[-1]
    return wanted if found == bare else found


def _child(table: ObjectId, name: str) -> ObjectId:
    return ObjectId("column", table.schema, table.name, name)


def _key(table: SchemaObject, before: Snapshot, kept: Kept, *, gone: bool = False) -> tuple[str, ...]:
    """The columns that name a row before and after: the primary key, else a unique key without NULLs."""
    usable = {c.name for c in kept.shared if not c.converted or c.returns}
    usable |= {
        c.name for c in kept.shared if {base(c.type), base(c.after_type)} <= {"uuid", "text", "character varying"}
    }
    if gone:
        usable = {c.name for c in kept.columns}
    filled = {c.id.name for c in before.children(table.id, "column") if c.properties.get("not_null")}
    candidates: list[tuple[int, tuple[str, ...]]] = []
    for constraint in before.children(table.id, "constraint"):
        kind = constraint.properties.get("type")
        columns = tuple(constraint.properties.get("columns") or ())
        if kind == "primary key":
            candidates.append((0, columns))
        elif kind == "unique" and set(columns) <= filled:
            candidates.append((1, columns))
    for index in before.children(table.id, "index"):
        p = index.properties
        columns = tuple(str(c).strip('"') for c in p.get("columns") or ())
        if p.get("unique") and not p.get("predicate") and not p.get("invalid") and set(columns) <= filled:
            candidates.append((2, columns))
    for _, columns in sorted(candidates):
        if columns and set(columns) <= usable:
            return columns
    return ()


def archive_name(label: str, table: ObjectId, taken: set[str]) -> str:
    """The copy's name: m007_orders, m007_billing_orders; numbered where two would be the same."""
    number = re.match(r"\d+", label)
    head = f"m{number[0]}" if number else "m_" + re.sub(r"[^a-z0-9]+", "_", label.lower())[:20].strip("_")
    schema = "" if table.schema == "public" else f"{table.schema}_"
    body = re.sub(r"[^A-Za-z0-9_]", "_", f"{schema}{table.name}").lower()
    name = f"{head}_{body}"[:48]
    count = 1
    while name in taken:
        count += 1
        name = f"{head}_{body}"[:44] + f"_{count}"
    return name
