"""Old rows that get a new column's value, a batch at a time."""

from __future__ import annotations

from ...schema.model import SchemaObject
from .batches import OLDEST_BY_PAGE, by_key, by_page
from .place import Place
from .registry import NoForm, Part, Room


def fill(place: Place, assignment: str, condition: str, table: SchemaObject | None = None) -> Part:
    """UPDATE of the statement's relation as batches. The condition must not hold for a row that was written, so that
    a run that was stopped can begin anew."""
    obj = table or place.table
    if obj.properties.get("partition_key"):
        raise NoForm(f"{place.sql} is partitioned; fill it partition by partition")
    write = f"UPDATE {place.sql} SET {assignment}\n        WHERE {condition}"
    key = place.key(obj)
    if key:
        sql = by_key(place.sql, key, write)
    elif place.version >= OLDEST_BY_PAGE:
        sql = by_page(place.sql, write)
    else:
        raise NoForm(f"{place.sql} has no key to walk by")
    return Part(sql, Room.OUTSIDE, 1, "fill", writes=(place.sql,))
