"""Tables and foreign tables: made with their columns, dropped, and changed in what is the table's own."""

from __future__ import annotations

from ...sql.quote import ident, literal
from ..model import ObjectId, SchemaObject, Snapshot
from . import columns, sequences, trimmings
from .names import BUILD, DROP, FINISH, Step, as_list, options_sql, own, word


def create(table: SchemaObject, runs_as: str, target: Snapshot) -> list[Step]:
    """CREATE TABLE with columns (a partition is made alone and attached after), then what hangs on it.

    Constraints, indexes, triggers and policies are objects of their own. NOT NULL is part of the table: its rows
    are put back whole.
    """
    p = table.properties
    foreign = table.id.kind == "foreign_table"
    body = [
        f"    {columns.clause(c, target, not_null=True, identity=not p.get('partition_of'))}"
        for c in target.children(table.id, "column")
        if not c.properties.get("inherited") or c.properties.get("also_local") or p.get("partition_of")
    ]
    unlogged = "UNLOGGED " if p.get("persistence") == "unlogged" else ""
    lines = [f"CREATE {unlogged}{word(table.id.kind)} {own(table.id)} ("]
    lines.append(",\n".join(body))
    tail = ")"
    if p.get("inherits") and not p.get("partition_of"):
        tail += f" INHERITS ({', '.join(as_list(p['inherits']))})"
    if p.get("partition_key"):
        tail += f" PARTITION BY {p['partition_key']}"
    if foreign:
        tail += f" SERVER {ident(p['server'])}"
        if p.get("fdw_options"):
            tail += f" OPTIONS ({', '.join(f'{ident(k)} {literal(str(v))}' for k, v in p['fdw_options'].items())})"
    if p.get("access_method") not in (None, "heap"):
        tail += f" USING {ident(p['access_method'])}"
    if p.get("options"):
        tail += f" WITH ({options_sql(p['options'])})"
    if p.get("tablespace"):
        tail += f" TABLESPACE {ident(p['tablespace'])}"
    lines.append(tail)
    steps = [Step(BUILD, "\n".join(line for line in lines if line))]
    if p.get("of_type"):
        steps.append(Step(BUILD, f"ALTER TABLE {own(table.id)} OF {p['of_type']}"))
    for column in target.children(table.id, "column"):
        steps += columns.attributes(column, {}, table.id.kind, target)
        sequence = sequences.of_identity(column, target) if column.properties.get("identity") else None
        if sequence and not p.get("partition_of"):
            steps += trimmings.for_new(sequence, runs_as, target.server_version)
        late = column.properties
        if late.get("not_null") and (late.get("not_null_invalid") or late.get("not_null_no_inherit")):
            steps.append(columns.set_not_null(column, table.id.kind, target))
    steps += trimmings.for_new(table, runs_as, target.server_version)
    if p.get("partition_of"):
        steps.append(Step(FINISH, attach(table)))
    return steps + security({}, table)


def security(now: object, table: SchemaObject) -> list[Step]:
    """Row security switched as it is in `table`; `now` holds the present properties."""
    a, b = now if isinstance(now, dict) else {}, table.properties
    steps = []
    head = f"ALTER TABLE {own(table.id)}"
    if bool(a.get("row_security")) != bool(b.get("row_security")):
        steps.append(Step(FINISH, f"{head} {'ENABLE' if b.get('row_security') else 'DISABLE'} ROW LEVEL SECURITY"))
    if bool(a.get("force_row_security")) != bool(b.get("force_row_security")):
        force = "FORCE" if b.get("force_row_security") else "NO FORCE"
        steps.append(Step(FINISH, f"{head} {force} ROW LEVEL SECURITY"))
    return steps


def attach(table: SchemaObject) -> str:
    p = table.properties
    return f"ALTER TABLE ONLY {p['partition_of']} ATTACH PARTITION {own(table.id)} {p['partition_bound']}"


def drop(id: ObjectId) -> str:
    return f"DROP {word(id.kind)} {own(id)}"


def can_alter(now: SchemaObject, wanted: SchemaObject) -> bool:
    """Whether ALTER TABLE gets from one to the other: not across partition keys or foreign servers."""
    keys = ("partition_key", "server")
    return all(now.properties.get(k) == wanted.properties.get(k) for k in keys)


def alter(now: SchemaObject, wanted: SchemaObject) -> list[Step]:
    """What is the table's own: partition bound, parents, persistence, options, security, replica identity, owner."""
    a, b = now.properties, wanted.properties
    head = f"{columns.alter_word(wanted.id.kind)} {own(wanted.id)}"
    steps: list[Step] = []
    bound = ("partition_of", "partition_bound")
    if any(a.get(k) != b.get(k) for k in bound):
        if a.get("partition_of"):
            steps.append(Step(DROP, f"ALTER TABLE {a['partition_of']} DETACH PARTITION {own(now.id)}"))
        if b.get("partition_of"):
            steps.append(Step(FINISH, attach(wanted)))
    else:
        before, after = as_list(a.get("inherits")), as_list(b.get("inherits"))
        if not b.get("partition_of") and before != after:
            stay = [parent for parent in before if parent in after]
            if after[: len(stay)] != stay:  # new ones only go to the end
                stay = []
            steps += [Step(DROP, f"{head} NO INHERIT {parent}") for parent in before if parent not in stay]
            steps += [Step(BUILD, f"{head} INHERIT {parent}") for parent in after if parent not in stay]
    if a.get("of_type") != b.get("of_type"):
        steps.append(Step(BUILD, f"{head} OF {b['of_type']}" if b.get("of_type") else f"{head} NOT OF"))
    if a.get("persistence") != b.get("persistence"):
        steps.append(Step(BUILD, f"{head} SET {'UNLOGGED' if b.get('persistence') == 'unlogged' else 'LOGGED'}"))
    if a.get("access_method") != b.get("access_method"):
        steps.append(Step(BUILD, f"{head} SET ACCESS METHOD {ident(b.get('access_method') or 'heap')}"))
    if a.get("tablespace") != b.get("tablespace"):
        steps.append(Step(BUILD, f"{head} SET TABLESPACE {ident(b.get('tablespace') or 'pg_default')}"))
    steps += [Step(BUILD, f"{head} {change}") for change in options_changes(a.get("options"), b.get("options"))]
    if a.get("fdw_options") != b.get("fdw_options"):
        steps.append(Step(BUILD, f"{head} OPTIONS ({fdw_changes(a.get('fdw_options'), b.get('fdw_options'))})"))
    steps += security(dict(a), wanted)
    return steps + trimmings.changes(wanted.id, a, b)


def replica_identity(table: SchemaObject, target: Snapshot) -> str:
    """ALTER TABLE ... REPLICA IDENTITY as the table has it."""
    kind = table.properties.get("replica_identity", "default")
    head = f"ALTER TABLE {own(table.id)} REPLICA IDENTITY"
    if kind == "index":
        for index in target.children(table.id, "index"):
            if index.properties.get("replica_identity"):
                return f"{head} USING INDEX {ident(index.id.name)}"
    return f"{head} {str(kind).upper()}"


def options_changes(now: object, wanted: object) -> list[str]:
    """SET (...) and RESET (...) between two sets of storage parameters."""
    a = now if isinstance(now, dict) else {}
    b = wanted if isinstance(wanted, dict) else {}
    changes = []
    if gone := sorted(set(a) - set(b)):
        changes.append(f"RESET ({', '.join(gone)})")
    if new := {k: v for k, v in b.items() if a.get(k) != v}:
        changes.append(f"SET ({options_sql(new)})")
    return changes


def fdw_changes(now: object, wanted: object) -> str:
    """The inside of OPTIONS (...) between two sets of foreign options."""
    a = now if isinstance(now, dict) else {}
    b = wanted if isinstance(wanted, dict) else {}
    parts = [f"DROP {ident(k)}" for k in sorted(set(a) - set(b))]
    parts += [
        f"{'SET' if k in a else 'ADD'} {ident(k)} {literal(str(v))}" for k, v in sorted(b.items()) if a.get(k) != v
    ]
    return ", ".join(parts)
