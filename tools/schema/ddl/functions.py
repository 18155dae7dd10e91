"""Functions, procedures and aggregates."""

from __future__ import annotations

from ..model import ObjectId, SchemaObject
from . import trimmings
from .names import BUILD, Step, noun


def create(routine: SchemaObject, runs_as: str, version: int) -> list[Step]:
    return [Step(BUILD, _definition(routine)), *trimmings.for_new(routine, runs_as, version)]


def drop(id: ObjectId) -> str:
    return f"DROP {noun(id)}"


def can_alter(now: SchemaObject, wanted: SchemaObject) -> bool:
    """Whether CREATE OR REPLACE gets from one to the other: same arguments by name and default, same result.

    Source: manual, CREATE FUNCTION: names, types and defaults of arguments and the result type cannot be changed.
    """
    a, b = now.properties, wanted.properties
    if a["definition"] == b["definition"]:
        return True
    return now.id.kind != "aggregate" and (a.get("arguments"), a.get("result")) == (b.get("arguments"), b.get("result"))


def alter(now: SchemaObject, wanted: SchemaObject) -> list[Step]:
    before = dict(now.properties)
    steps = []
    if before["definition"] != wanted.properties["definition"]:
        steps.append(Step(BUILD, _definition(wanted)))
        before.pop("depends_on_extensions", None)  # CREATE OR REPLACE lets go of extensions
    return steps + trimmings.changes(wanted.id, before, wanted.properties)


def _definition(routine: SchemaObject) -> str:
    return str(routine.properties["definition"]).rstrip().rstrip(";")
