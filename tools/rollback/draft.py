"""The way back of a migration, drafted from what it was seen to do: schema from the catalogs, rows from pre-images.

The draft is tried at once in the sandbox, in the transaction in which the migration just ran, and corrected by what
the server says: by the order of statements, and by what the schema still lacks afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ...errors import RollbackError
from ..records import Loss, Migration
from ..schema.ddl.closure import different
from ..schema.ddl.names import BUILD, DROP, FINISH
from ..schema.ddl.plan import Plan, plan
from ..schema.model import ObjectId, SchemaObject, Snapshot
from ..schema.snapshot import read_snapshot
from ..sql.parse import Script, parse
from ..sql.quote import qualified
from . import capture as captures
from . import identities, key_copies, look, losses, moves, reorder, restore, study, unfit, unseen, writes
from .capture import Capture
from .notes import Note
from .preimages import Kept, kept_tables
from .study import Study
from .there import there
from .trial import Trial, tried

if TYPE_CHECKING:
    from ..databases.postgres import Connection
    from ..sandbox.databases import SandboxDatabase
    from ..sandbox.server import SandboxServer

ROUNDS = 3
OWN_COLUMNS = {"agentdb_what", "agentdb_same"}  # of the tables that say what became of rows
# In which rows are put back: tried one after the other until no key is in the way.
ORDERS = ("insert update delete", "delete insert update", "update delete insert", "delete update insert")


@dataclass(frozen=True, slots=True)
class RollbackDraft:
    """A rollback and its capture script, as bare SQL, and what is known of them before any proof.

    steps: the rollback's statements with their comments; capture_steps likewise. losses: what does not come back.
    study: what the migration was seen to do. kept: tables of which rows are kept.
    remaining: differences of the schema that the draft leaves. notes: for a reader. limits: what rows written since
    cannot be spared, whatever a proof says. together: the capture stands in
    the migration's transaction.
    """

    label: str
    steps: tuple[Note, ...]
    capture_steps: tuple[Note, ...]
    losses: tuple[Loss, ...] = ()
    remaining: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    together: bool = True
    transactional: bool = True
    study: Study | None = None
    kept: tuple[ObjectId, ...] = ()

    @property
    def sql(self) -> str:
        return as_script(self.steps)

    @property
    def capture_sql(self) -> str:
        return as_script(self.capture_steps)


def as_script(steps: tuple[Note, ...]) -> str:
    """Statements with their comments above them; "" for none."""
    parts = []
    for note in steps:
        comment = "\n".join(f"-- {line}" for line in note.comment.splitlines() if line)
        parts.append((f"\n{comment}\n" if comment else "") + f"{note.sql};\n")
    return "".join(parts).lstrip("\n")


def label_of(migration: Migration) -> str:
    """What the migration's copies are filed under: 007_add_email, or the file's name without its endings."""
    if migration.version != "0":
        return migration.label
    return migration.name.removesuffix(".up")


def draft(
    server: SandboxServer,
    database: SandboxDatabase,
    migration: Migration,
    *,
    data: bool = True,
    together: bool | None = None,
    exact_order: bool = False,
) -> RollbackDraft:
    """The rollback of a migration, tried in `database`, which has the schema and rows of before and keeps them.

    data: also keep and put back rows. together: the capture runs in the migration's transaction (default: where the
    migration runs in one). exact_order: columns go back to their places too, by making tables anew.
    Errors: RollbackError when the migration does not run; SandboxError, DatabaseError.
    """
    script = parse(migration.sql)
    study.refuse_unfit(migration, script)
    if study.is_transactional(migration, script):
        try:
            return _in_transaction(database, migration, script, data, together is not False, exact_order)
        except study.NotTogether:
            pass
    with server.clone(database) as copy:
        found = study.alone(server, database, migration, script, copy)
        if not data:
            with copy.connect() as conn, study.undone(conn):
                return _Drafting(conn, migration, found, data, False, exact_order).drafted()
    with server.clone(database) as copy:
        with copy.connect() as conn:
            drafting = _Drafting(conn, migration, found, data, False, exact_order)
            drafting.keep()
        study.run_statements(copy, migration)
        with copy.connect() as conn, study.undone(conn):
            drafting.conn = conn
            return drafting.drafted()


def _in_transaction(
    database: SandboxDatabase, migration: Migration, script: Script, data: bool, together: bool, exact_order: bool
) -> RollbackDraft:
    """The draft of a migration that runs in one transaction: everything happens in one that is given up."""
    with database.connect() as conn:
        stood = unseen.positions(conn)
        try:
            with study.undone(conn):
                return _drafted_in_it(conn, database, migration, script, data, together, exact_order)
        finally:
            if not conn.closed:
                unseen.put_back(conn, stood)


def _drafted_in_it(
    conn: Connection,
    database: SandboxDatabase,
    migration: Migration,
    script: Script,
    data: bool,
    together: bool,
    exact_order: bool,
) -> RollbackDraft:
    conn.execute("SAVEPOINT agentdb_before")
    found = study.in_transaction(conn, database, migration, script)
    drafting = _Drafting(conn, migration, found, data, together, exact_order)
    if drafting.capture.empty:
        return drafting.drafted()
    conn.execute("ROLLBACK TO SAVEPOINT agentdb_before")
    unseen.put_back(conn, found.stood)
    drafting.keep()
    conn.execute("SAVEPOINT agentdb_up")
    study.run_up(conn, database, migration, script)
    conn.execute("RELEASE SAVEPOINT agentdb_up")
    conn.execute("SET CONSTRAINTS ALL IMMEDIATE")
    return drafting.drafted()


class _Drafting:
    """One draft under way, in a transaction in which (or before which) the migration has run."""

    def __init__(
        self, conn: Connection, migration: Migration, found: Study, data: bool, together: bool, exact_order: bool
    ) -> None:
        self.conn, self.migration, self.found, self.data = conn, migration, found, data
        self.exact_order = exact_order
        self.label = label_of(migration)
        self.renames = identities.renamed(found.old, found.new, found.after)
        self.capture = (
            self._capture(together) if data else Capture(self.label, (), together=together, one_writer=found.one_writer)
        )

    def _capture(self, together: bool) -> Capture:
        f = self.found
        tables = kept_tables(f.before, f.old, f.new, f.written, self.label, after=f.after)
        sequences = tuple(
            s.id for s in f.before.of("sequence") if f.new.at(f.old.by_id.get(s.id)) is None and s.id in f.old.by_id
        )
        for kept in tables:
            if kept.follows_rows and (
                taken := OWN_COLUMNS & {name for c in kept.columns for name in (c.name, c.after)}
            ):
                raise RollbackError(
                    f"{kept.table.schema}.{kept.table.name} has a column named {min(taken)}, which copies of its "
                    "rows need for themselves",
                    where=str(self.migration.path),
                    hint="Rename the column, or draft with --no-data.",
                )
        return Capture(self.label, tuple(tables), sequences, f.restarted, together and f.can_settle, f.one_writer)

    def _counting(self, notes: list[Note]) -> list[Note]:
        """The steps with each sequence that was made anew put where it stood at once: a column that comes back with
        nextval() as its default then numbers rows written since beyond the old ones."""
        found = []
        for note in notes:
            found.append(note)
            made = f"{note.sql} ".partition("SEQUENCE ")
            if made[0] in ("CREATE ", "CREATE UNLOGGED "):
                only = [s for s in self.capture.sequences if made[2].startswith(f"{qualified(s.schema, s.name)} ")]
                found += [Note("", p.sql) for p in restore.positions(self.capture, self.found.before, only)]
        return found

    def keep(self) -> None:
        """Run the capture script. Errors: RollbackError."""
        import psycopg

        for comment, sql in captures.script(self.capture):
            try:
                self.conn.execute(sql.encode())
            except psycopg.Error as error:
                raise RollbackError(
                    f"the capture script fails in the sandbox: {' '.join(str(error).split())[:300]}",
                    where=str(self.migration.path),
                    hint=f"This is agentdb's own fault; the statement: {comment or sql[:200]}",
                ) from None

    def drafted(self) -> RollbackDraft:
        """The draft, tried round by round until the schema is that of before or nothing helps any more."""
        conn, f = self.conn, self.found
        steps: list[Note] = []
        failed: list[tuple[Note, str]] = []
        self._take(tried(conn, look.look(self.capture)), steps, failed)
        names = [Note("", sql) for sql in identities.undone(self.renames, f.after)]
        now = f.after
        if names:
            first, *rest = names
            self._take(tried(conn, [Note("Old names.", first.sql), *rest]), steps, failed)
            now = read_snapshot(conn)
        work = plan(now, f.before, runs_as=f.runs_as, labels_may_be_added=self.capture.empty)
        early = [replace(k, after=k.table if not k.dropped else None) for k in self.capture.tables]
        renamed = replace(self.capture, tables=tuple(self._with_old_names(k) for k in early))
        self._take(tried(conn, unfit.early(renamed, work.guarded, now)), steps, failed)
        self._take(tried(conn, unfit.unfit(self.capture, work.guarded, now, f.before)), steps, failed)
        self._take(tried(conn, moves.aside(work, now, f.before)), steps, failed)
        for phase, comment in (
            (DROP, "What the migration added goes."),
            (BUILD, "What it took or changed comes back."),
        ):
            notes = _commented(work.statements(phase), comment)
            self._take(tried(conn, self._counting(notes) if phase == BUILD else notes), steps, failed)
        self._take(tried(conn, moves.back(work, now, f.before)), steps, failed)
        self._put_back(work, now, steps, failed)
        self._take(
            tried(conn, _commented(work.statements(FINISH), "Constraints, indexes and what stands on the rows.")),
            steps,
            failed,
        )
        self._take(tried(conn, moves.positions(work) + restore.positions(self.capture, f.before)), steps, failed)
        end = read_snapshot(conn)
        for _ in range(ROUNDS):
            if not leftovers(f.before, end):
                break
            more = plan(end, f.before, runs_as=f.runs_as, labels_may_be_added=self.capture.empty)
            trial = tried(conn, _commented(more.statements(), "What the server still has otherwise."))
            steps += trial.done
            if not trial.done:
                break
            failed = [x for x in failed if x[0].sql not in {s.sql for s in trial.done}]
            end = read_snapshot(conn)
        if self.exact_order and reorder.in_another_order(f.before, end):
            self._take(
                reorder.rebuilt(conn, end, f.before, runs_as=f.runs_as, labels_may_be_added=self.capture.empty),
                steps,
                failed,
            )
            end = read_snapshot(conn)
        self._take(tried(conn, key_copies.renamed(f.copies, key_copies.read(conn))), steps, failed)
        if not self.capture.empty:
            self._take(tried(conn, restore.done(self.capture)), steps, failed)
            steps.insert(0, there(self.capture))
        if any(k.secured for k in self.capture.tables):
            steps.insert(
                0,
                Note("Every row, whatever policies say: fails rather than miss some.", "SET LOCAL row_security = off"),
            )
        if steps and _needs_setting(steps):
            steps.insert(0, Note("Function bodies may name what comes later.", "SET LOCAL check_function_bodies = off"))
        return RollbackDraft(
            label=self.label,
            steps=tuple(steps),
            capture_steps=tuple(Note(c, s) for c, s in captures.script(self.capture)),
            losses=losses.expected(self.capture, f, data=self.data),
            remaining=tuple(leftovers(f.before, end)) + tuple(f"{why}: {note.sql[:120]}" for note, why in failed),
            limits=losses.limits(self.capture),
            notes=losses.notes(f, work, self.capture),
            together=self.capture.together,
            transactional=f.transactional,
            study=f,
            kept=tuple(k.table for k in self.capture.tables),
        )

    def _with_old_names(self, kept: Kept) -> Kept:
        """The table as it is called once the old names are back."""
        return replace(kept, columns=tuple(replace(c, after=c.name if c.after else "") for c in kept.columns))

    def _take(self, trial: Trial, steps: list[Note], failed: list[tuple[Note, str]]) -> None:
        steps += trial.done
        failed += trial.failed

    def _put_back(self, work: Plan, now: Snapshot, steps: list[Note], failed: list[tuple[Note, str]]) -> None:
        """The rows, in the order of changes that the server accepts."""
        if self.capture.empty:
            return
        keys = [c for c in now.of("constraint") if _stays(c, now, self.found.before)]
        best: tuple[int, Trial] | None = None
        earlier = sum(writes.conflicts(self.conn).values())
        for order in ORDERS:
            notes = restore.back(self.capture, self.found.before, now, work.triggers_kept, keys, order=order)
            self.conn.execute("SAVEPOINT agentdb_rows")
            trial = tried(self.conn, notes)
            trouble = len(trial.failed) * 1000 + sum(writes.conflicts(self.conn).values()) - earlier
            if not trouble:
                self.conn.execute("RELEASE SAVEPOINT agentdb_rows")
                self._take(trial, steps, failed)
                return
            if best is None or trouble < best[0]:
                best = (trouble, trial)
            self.conn.execute("ROLLBACK TO SAVEPOINT agentdb_rows")
        assert best is not None
        self._take(tried(self.conn, best[1].done), steps, failed)
        failed += best[1].failed


def _stays(constraint: SchemaObject, now: Snapshot, before: Snapshot) -> bool:
    """Whether a foreign key exists all through the rollback."""
    wanted = before.objects.get(constraint.id)
    return (
        constraint.properties.get("type") == "foreign key"
        and wanted is not None
        and not different(constraint.properties, wanted.properties)
    )


def _commented(statements: list[str], comment: str) -> list[Note]:
    return [Note(comment if not number else "", sql) for number, sql in enumerate(statements)]


def _needs_setting(steps: list[Note]) -> bool:
    return any("FUNCTION" in s.sql[:40] or "PROCEDURE" in s.sql[:40] for s in steps)


def leftovers(before: Snapshot, now: Snapshot) -> list[str]:
    """What differs between two schemas in words, the order of columns aside; [] when nothing does."""
    lines = []
    for id in sorted({*before.objects, *now.objects}):
        a, b = before.objects.get(id), now.objects.get(id)
        if a is None:
            lines.append(f"{id} is left over")
        elif b is None:
            lines.append(f"{id} is missing")
        elif names := different(a.properties, b.properties):
            lines.append(f"{id}: {', '.join(names)} differ")
    return lines


def key_marks(before: Snapshot, now: Snapshot) -> list[str]:
    """The keys that work alike and were made in another way: by themselves, or with a partitioned table's.

    Nothing but a later ATTACH or ALTER ... INHERIT tells them apart (pg_constraint.connoinherit), and no statement
    turns the one into the other.
    """
    found = []
    for key in before.of("constraint"):
        other = now.objects.get(key.id)
        if other and any(
            bool(key.properties.get(m)) != bool(other.properties.get(m)) for m in ("attached", "detached")
        ):
            found.append(f"{key.id.schema}.{key.id.parent}: the constraint {key.id.name} is not marked as it was")
    return found


def column_orders(before: Snapshot, now: Snapshot) -> list[str]:
    """The tables and views whose columns stand in another order than before."""
    found = []
    for kind in ("table", "foreign_table", "view", "materialized_view"):
        for table in before.of(kind):
            if table.id in now.objects:
                old = [c.id.name for c in before.children(table.id, "column")]
                new = [c.id.name for c in now.children(table.id, "column")]
                if old != new and sorted(old) == sorted(new):
                    found.append(f"{table.id.schema}.{table.id.name}")
    return found
