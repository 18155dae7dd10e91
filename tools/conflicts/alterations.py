"""What one action of ALTER TABLE does to which part of the table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..sql import grammar

Alteration = tuple[str, str, bool]  # action, part, tolerant

# Actions that change one column, named in the command. Source: manual, ALTER TABLE.
COLUMN_CHANGES = frozenset(
    {
        "AT_ColumnDefault",
        "AT_CookedColumnDefault",
        "AT_DropNotNull",
        "AT_SetNotNull",
        "AT_SetExpression",
        "AT_DropExpression",
        "AT_SetStatistics",
        "AT_SetOptions",
        "AT_ResetOptions",
        "AT_SetStorage",
        "AT_SetCompression",
        "AT_AlterColumnType",
        "AT_AlterColumnGenericOptions",
        "AT_AddIdentity",
        "AT_SetIdentity",
        "AT_DropIdentity",
    }
)

# Actions on the table itself, by the property that they set, so that two that undo each other meet.
TABLE_CHANGES = {
    "AT_ChangeOwner": "owner",
    "AT_ClusterOn": "clustering",
    "AT_DropCluster": "clustering",
    "AT_SetLogged": "persistence",
    "AT_SetUnLogged": "persistence",
    "AT_SetAccessMethod": "access method",
    "AT_SetTableSpace": "tablespace",
    "AT_SetRelOptions": "storage options",
    "AT_ResetRelOptions": "storage options",
    "AT_ReplaceRelOptions": "storage options",
    "AT_EnableRowSecurity": "row security",
    "AT_DisableRowSecurity": "row security",
    "AT_ForceRowSecurity": "row security",
    "AT_NoForceRowSecurity": "row security",
    "AT_ReplicaIdentity": "replica identity",
}

KEYS = {"CONSTR_PRIMARY": "primary key"}


def alteration(command: Any) -> Iterator[Alteration]:
    """(action, part, tolerant) of one AlterTableCmd; an action that is not known here changes the table as a whole."""
    subtype = grammar.enum_name(command, "subtype")
    definition = getattr(command, "def")
    if subtype in ("AT_AddColumn", "AT_AddColumnToView"):
        yield "creates", f"column {definition.column_def.colname}", command.missing_ok
    elif subtype == "AT_DropColumn":
        yield "drops", f"column {command.name}", command.missing_ok
    elif subtype in COLUMN_CHANGES:
        yield "changes", f"column {command.name}", False
    elif subtype == "AT_AddConstraint":
        yield from constraint(definition.constraint)
    elif subtype == "AT_DropConstraint":
        yield "drops", f"constraint {command.name}", command.missing_ok
    elif subtype in ("AT_ValidateConstraint", "AT_AlterConstraint"):
        name = command.name or definition.at_alter_constraint.conname
        yield ("uses" if subtype == "AT_ValidateConstraint" else "changes"), f"constraint {name}", False
    elif subtype in ("AT_AttachPartition", "AT_DetachPartition", "AT_DetachPartitionFinalize"):
        partition = definition.partition_cmd.name
        schema = f"{partition.schemaname}." if partition.schemaname and partition.schemaname != "public" else ""
        yield "changes", f"partition {schema}{partition.relname}", False
    elif subtype.startswith(("AT_EnableTrig", "AT_DisableTrig", "AT_EnableAlwaysTrig", "AT_EnableReplicaTrig")):
        yield "changes", f"trigger {command.name}" if command.name else "triggers", False
    elif subtype.startswith(("AT_EnableRule", "AT_DisableRule", "AT_EnableAlwaysRule", "AT_EnableReplicaRule")):
        yield "changes", f"rule {command.name}", False
    else:
        yield "changes", TABLE_CHANGES.get(subtype, ""), False


def constraint(node: Any) -> Iterator[Alteration]:
    """A table's constraint: that it is made, and the columns of the table that it needs."""
    kind = grammar.enum_name(node, "contype")
    if kind in KEYS:
        yield "creates", KEYS[kind], False
    elif kind == "CONSTR_NOTNULL":
        for column in node.keys:
            yield "changes", f"column {column.string.sval}", False
    elif node.conname:
        yield "creates", f"constraint {node.conname}", False
    for column in (*node.keys, *node.fk_attrs, *node.including):
        if column.WhichOneof("node") == "string":
            yield "uses", f"column {column.string.sval}", False
