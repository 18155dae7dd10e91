"""A snapshot as JSON and back: what is kept under docs/database/snapshots and compared later."""

from __future__ import annotations

import json
from typing import Any

from ...errors import UsageError
from .model import ObjectId, SchemaObject, Snapshot
from .snapshot import FORMAT


def to_json(snapshot: Snapshot) -> str:
    """The snapshot as readable JSON, the same bytes for the same snapshot, a line break at the end."""
    return json.dumps(to_plain(snapshot), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def to_plain(snapshot: Snapshot) -> dict[str, Any]:
    """The snapshot as JSON-plain data: objects sorted by identity, each {id, properties, depends}."""
    return {
        "engine": snapshot.engine,
        "server_version": snapshot.server_version,
        "format": snapshot.format,
        "objects": [
            {"id": list(o.id), "properties": dict(o.properties), "depends": [list(d) for d in o.depends]}
            for o in snapshot
        ],
    }


def from_json(text: str) -> Snapshot:
    """The snapshot that `to_json` wrote. Errors: UsageError when the text is no snapshot, or one of another format."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise UsageError(f"this is not JSON: {error}", hint="Take the snapshot again.") from None
    return from_plain(data)


def from_plain(data: Any) -> Snapshot:
    """The snapshot that `to_plain` gave. Errors: as from_json."""
    if not isinstance(data, dict) or "objects" not in data or "format" not in data:
        raise UsageError("this JSON is not a schema snapshot", hint="Take the snapshot again.")
    if data["format"] != FORMAT:
        raise UsageError(
            f"the snapshot is of format {data['format']}, this agentdb reads format {FORMAT}",
            hint="Take the snapshot again with this version.",
        )
    try:
        objects = {}
        for item in data["objects"]:
            id = ObjectId(*item["id"])
            objects[id] = SchemaObject(id, item["properties"], tuple(ObjectId(*d) for d in item["depends"]))
        return Snapshot(data["engine"], data["server_version"], data["format"], objects)
    except (KeyError, TypeError) as error:
        raise UsageError(f"the snapshot is damaged: {error}", hint="Take the snapshot again.") from None
