"""What a snapshot of the schema and the rows of tables do not hold, and a migration can change all the same.

Large objects (manual, chapter 33), settings that stand with the database (ALTER DATABASE ... SET, ALTER ROLE ... IN
DATABASE ... SET: pg_db_role_setting), and how far sequences have counted (pg_sequences).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..records import Loss
from ..schema.model import ObjectId
from ..sql.quote import qualified

if TYPE_CHECKING:
    from ..databases.postgres import Connection

Positions = Mapping[ObjectId, tuple[int | None, bool]]  # last value, None before the first; whether it counts up

LARGE_OBJECTS = 1000  # more are compared by their numbers only


@dataclass(frozen=True, slots=True)
class Unseen:
    """One moment. objects: large objects by number with a hash of what they hold; settings: (role or "", settings);
    database: its owner, rights and comment."""

    objects: dict[int, str] = field(default_factory=dict)
    settings: frozenset[tuple[str, tuple[str, ...]]] = frozenset()
    positions: Positions = field(default_factory=dict)
    database: tuple[str | None, ...] = ()


def read(conn: Connection) -> Unseen:
    """The moment of the connection; what it has not committed is read too."""
    numbers = [n for (n,) in conn.execute("SELECT oid::bigint FROM pg_catalog.pg_largeobject_metadata").fetchall()]
    owned = conn.execute(
        "SELECT pg_get_userbyid(datdba)::text, datacl::text, pg_catalog.shobj_description(oid, 'pg_database')"
        " FROM pg_catalog.pg_database WHERE datname = current_database()"
    ).fetchone()
    settings = conn.execute(
        "SELECT coalesce(r.rolname, ''), s.setconfig FROM pg_catalog.pg_db_role_setting AS s"
        " JOIN pg_catalog.pg_database AS d ON d.oid = s.setdatabase"
        " LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = s.setrole WHERE d.datname = current_database()"
    ).fetchall()
    return Unseen(
        _hashed(conn, numbers),
        frozenset((role, tuple(sorted(config))) for role, config in settings),
        positions(conn),
        tuple(owned or ()),
    )


def positions(conn: Connection) -> Positions:
    """How far every sequence has counted."""
    rows = conn.execute(
        "SELECT schemaname::text, sequencename::text, last_value, increment_by FROM pg_catalog.pg_sequences"
        " WHERE schemaname <> 'agentdb_archive' AND schemaname NOT LIKE 'pg\\_%'"
    ).fetchall()
    found = {ObjectId("sequence", schema, "", name): (value, step > 0) for schema, name, value, step in rows}
    steps = {ObjectId("sequence", schema, "", name): step for schema, name, _, step in rows}
    unused = [id for id, (value, _) in found.items() if value is None]
    if unused:  # one that was set anew and not used since: the value before its next one
        query = " UNION ALL ".join(f"SELECT {n}, last_value FROM {_name(id)}" for n, id in enumerate(unused))
        for number, value in conn.execute(query.encode()).fetchall():
            id = unused[number]
            found[id] = (value - steps[id], steps[id] > 0)
    return found


def _name(id: ObjectId) -> str:
    return qualified(id.schema, id.name)


def put_back(conn: Connection, stood: Positions) -> None:
    """Set sequences that stand further back than they stood to where they stood: no end of a transaction does that."""
    for id in behind(stood, positions(conn)):
        conn.execute("SELECT setval(%s::regclass, %s)", (qualified(id.schema, id.name), stood[id][0]))


def behind(before: Positions, now: Positions) -> list[ObjectId]:
    """The sequences that are there and stand further back than they did: their next values are in use already."""
    found = []
    for id, (old, up) in before.items():
        if old is None or id not in now:
            continue
        new = now[id][0]
        if new is None or (new < old if up else new > old):
            found.append(id)
    return found


def losses(before: Unseen, now: Unseen) -> list[Loss]:
    """What is not as it was, as losses of a rollback."""
    found = []
    if before.objects != now.objects:
        same = sum(now.objects.get(n) == h for n, h in before.objects.items())
        gone, extra = len(before.objects) - same, len(now.objects) - same
        why = f"{gone} large objects gone or other, {extra} that were not there"
        found.append(Loss("pg_catalog.pg_largeobject", (), gone or extra, why))
    if before.settings != now.settings:
        found.append(Loss("pg_catalog.pg_db_role_setting", (), None, "the database's own settings are others"))
    if before.database != now.database:
        found.append(Loss("pg_catalog.pg_database", (), None, "the database's owner, rights or comment are others"))
    for id in behind(before.positions, now.positions):
        stood, stands = before.positions[id][0], now.positions[id][0]
        why = f"the sequence stands at {stands if stands is not None else 'its start'}, before at {stood}"
        found.append(Loss(f"{id.schema}.{id.name}", (), None, why))
    return found


def _hashed(conn: Connection, numbers: list[int]) -> dict[int, str]:
    if not numbers:
        return {}
    row = conn.execute("SELECT pg_catalog.has_table_privilege('pg_catalog.pg_largeobject', 'SELECT')").fetchone()
    if len(numbers) > LARGE_OBJECTS or not row or not row[0]:
        return dict.fromkeys(numbers, "")
    rows = conn.execute(
        "SELECT m.oid::bigint, coalesce((SELECT md5(string_agg(md5(o.data) || o.pageno, ',' ORDER BY o.pageno))"
        " FROM pg_catalog.pg_largeobject AS o WHERE o.loid = m.oid), '')"
        " FROM pg_catalog.pg_largeobject_metadata AS m"
    ).fetchall()
    return dict(rows)
