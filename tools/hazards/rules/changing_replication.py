"""What subscribers and change-data-capture readers get is changed: replica identity, publication, subscription."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ...sql import grammar
from ...sql.effects import object_name, object_word
from ..registry import Category, Effect, Hit, rule
from ..shapes import key, relation_key
from ..step import Step
from ..words import alter, names, shown


@rule(
    id="changing-replication",
    title="Readers of changes get other changes, or none",
    severity=Severity.WARNING,
    category=Category.COMPATIBILITY,
    on=(
        "alter_table_stmt",
        "alter_publication_stmt",
        "rename_stmt",
        "drop_stmt",
        "alter_subscription_stmt",
        "drop_subscription_stmt",
    ),
    acts=("ReplicaIdentity",),
    effect=Effect.RUNS,
    why="Subscribers and change-data-capture readers live on what a table's replica identity and the publications give "
    "them; nothing tells them that changes no longer come, or come without the old key. With REPLICA IDENTITY NOTHING "
    "every UPDATE and DELETE of a published table fails.",
    fix="Move the readers first, then change what they were reading.",
    setup="CREATE TABLE orders (id bigint PRIMARY KEY); CREATE TABLE items (id bigint PRIMARY KEY);"
    " CREATE PUBLICATION shop FOR TABLE orders;",
    bad="ALTER TABLE orders REPLICA IDENTITY NOTHING;",
    good="ALTER PUBLICATION shop ADD TABLE items;",
    unfixed="Who reads the changes is not in the file: move the subscribers and readers first.",
    source="Manual, chapter Logical Replication, Publication; ALTER TABLE, REPLICA IDENTITY; ALTER PUBLICATION; ALTER "
    "SUBSCRIPTION; SQLSTATE 55000 measured on 18.",
)
def check(step: Step) -> Iterator[Hit]:
    match step.node_name:
        case "alter_table_stmt":
            yield from _identity(step)
        case "alter_publication_stmt":
            yield from _publication(step)
        case "rename_stmt" if object_word(step.node, "rename_type") == "PUBLICATION":
            old, fresh = object_name(step.node.object), str(step.node.newname)
            if not step.catalog.is_new_object("PUBLICATION", old):
                yield Hit(
                    f"Subscribers ask for publication {shown(old)} by its name, which becomes {shown(fresh)}. They get no"
                    " further changes, and fail in their own log only.",
                    f"Make {shown(fresh)} beside it, move the subscribers with ALTER SUBSCRIPTION ... SET PUBLICATION"
                    f" {shown(fresh)}; and drop {shown(old)} later.",
                    objects=(old,),
                )
        case "drop_stmt" if object_word(step.node, "remove_type") == "PUBLICATION":
            for target in step.node.objects:
                name = object_name(target)
                if not step.catalog.is_new_object("PUBLICATION", name):
                    yield Hit(
                        f"DROP PUBLICATION ends what {shown(name)} sends. Subscribers and change-data-capture readers get"
                        " no further changes, and fail in their own log only.",
                        "Drop it once no subscriber asks for it any more (ALTER SUBSCRIPTION ... SET PUBLICATION ...; on"
                        " their side).",
                        objects=(name,),
                    )
        case "alter_subscription_stmt" | "drop_subscription_stmt":
            yield from _subscription(step)


def _identity(step: Step) -> Iterator[Hit]:
    if not step.old:
        return
    table = shown(step.relation)
    for action in step.acts("ReplicaIdentity"):
        wanted = getattr(action.node, "def").replica_identity_stmt
        keyless = step.table.known and not any(c.kind == "primary key" for c in step.table.constraints.values())
        if wanted.identity_type == "n" or (wanted.identity_type == "d" and keyless):
            why = (
                f"This leaves {table} without a replica identity: changes carry no old key. Every UPDATE and DELETE of it"
                " fails from then on if a publication sends them."
            )
            fix = (
                f"Let a key tell the rows: a primary key by {alter(step.relation, 'REPLICA IDENTITY DEFAULT')} or a unique"
                f" index over columns that are NOT NULL by {alter(step.relation, 'REPLICA IDENTITY USING INDEX ...')}"
            )
        elif wanted.identity_type == "f":
            why = (
                f"With REPLICA IDENTITY FULL each UPDATE and DELETE of {table} writes the whole old row to the WAL. The WAL"
                " grows, and a subscriber without a fitting index reads its whole table for every row."
            )
            fix = (
                "Use a unique index over columns that are NOT NULL:"
                f" {alter(step.relation, 'REPLICA IDENTITY USING INDEX ...')}"
            )
        else:
            by = f"those of index {shown(str(wanted.name))}" if wanted.identity_type == "i" else "the primary key"
            why = (
                f"The old key that UPDATE and DELETE of {table} send becomes {by}. Subscribers and change-data-capture"
                " readers that look rows up by the former key get changes without it."
            )
            fix = "Make sure that every reader finds its rows by the new key first, on its side of the replication too."
        yield Hit(why, fix, step.relation, lock="ACCESS EXCLUSIVE")


def _publication(step: Step) -> Iterator[Hit]:
    node = step.node
    name = str(node.pubname)
    kind = grammar.enum_name(node, "action")
    if (kind == "AP_AddObjects" and not node.options) or step.catalog.is_new_object("PUBLICATION", name):
        return
    specs = [o.publication_obj_spec for o in node.pubobjects]
    tables = tuple(relation_key(o.pubtable.relation) for o in specs if o.HasField("pubtable"))
    fix = "Move the subscribers and readers first, then change the publication."
    if node.options:
        options = ", ".join(str(o.def_elem.defname) for o in node.options)
        what = f"ALTER PUBLICATION {shown(name)} SET ({options}) changes what is sent for all its tables."
    elif kind == "AP_SetObjects":
        what = f"ALTER PUBLICATION {shown(name)} SET puts a new list in the place of all that it sent."
        fix = f"Add what is missing with ALTER PUBLICATION {shown(name)} ADD TABLE ...; and drop by name what nobody reads."
    else:
        if tables and len(tables) == len(specs) and all(step.catalog.is_new(t) for t in tables):
            return
        what = f"ALTER PUBLICATION {shown(name)} DROP ends what it sends of {names(tables) or 'these schemas'}."
    yield Hit(
        f"{what} Subscribers and change-data-capture readers get no error: changes just stop to arrive.",
        fix,
        objects=(name, *tables),
    )


def _subscription(step: Step) -> Iterator[Hit]:
    node = step.node
    name = str(node.subname)
    if step.catalog.is_new_object("SUBSCRIPTION", name):
        return
    if step.node_name == "drop_subscription_stmt":
        why = (
            f"DROP SUBSCRIPTION ends {shown(name)} and drops its slot on the publisher. Changes made there no longer arrive,"
            " and a new subscription has to copy all rows anew."
        )
        fix = f"Stop it first, watch whether anybody misses its rows, drop it later: ALTER SUBSCRIPTION {shown(name)} DISABLE;"
    elif grammar.enum_name(node, "kind") == "ALTER_SUBSCRIPTION_ENABLED":
        if any(o.def_elem.arg.boolean.boolval for o in node.options):
            return
        why = (
            f"While {shown(name)} is disabled, no change of the publisher arrives here. The publisher keeps its WAL for it"
            " all that time, until its disk is full."
        )
        fix = f"Switch it on again in the same change: ALTER SUBSCRIPTION {shown(name)} ENABLE;"
    else:
        why = (
            f"ALTER SUBSCRIPTION changes which changes {shown(name)} gets, or how. Rows that no longer arrive, or arrive"
            " twice, are told by no error here."
        )
        fix = "Compare the rows on both sides before and after it, and do it while nobody relies on them."
    yield Hit(why, fix, objects=(key(name),))
