"""Stand-ins for extensions that the embedded server has not got: the usual functions of pgcrypto and uuid-ossp.

They let a migration run that calls digest() or uuid_generate_v4(); what they do is told wherever they are used.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...databases.postgres import Connection

MARK = "agentdb stand-in"


def install(target: Path) -> None:
    """Copy the stand-ins to `target`/extension, where extension_control_path (PostgreSQL 18) finds them."""
    folder = target / "extension"
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    target.chmod(0o755)
    folder.chmod(0o755)
    for file in (resources.files(__package__) / "extension").iterdir():
        path = folder / file.name
        path.write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
        path.chmod(0o644)


def used(connection: Connection) -> tuple[str, ...]:
    """The extensions of this database that are stand-ins."""
    rows = connection.execute(
        "SELECT e.extname FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_available_extensions a ON a.name = e.extname"
        " WHERE a.comment LIKE %s ORDER BY 1",
        (MARK + "%",),
    ).fetchall()
    return tuple(name for (name,) in rows)


def warning(names: tuple[str, ...]) -> str:
    """What to say where stand-ins are used."""
    return (
        f"{', '.join(names)}: agentdb's stand-in, not the real extension; its functions exist and round-trip,"
        " but values differ from production's"
    )
