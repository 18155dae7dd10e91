"""The migrations of a project on disk: where they lie, in which order, and what their headers say."""

from __future__ import annotations

import io
import os
import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import MigrationFileError, UsageError
from . import naming
from .records import Migration

MAX_BYTES = 16 * 1024 * 1024

HEADER = re.compile(r"--\s*(?P<key>[a-z][a-z-]*)\s*:\s*(?P<value>.*?)\s*")
HEADER_KEYS = ("depends", "agentdb", "author", "purpose", "ticket", "reversible", "description")


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders of a project. `migrations` is relative to `root`, as is `docs`."""

    root: Path
    migrations: str = "migrations"
    docs: str = "docs/database"

    @property
    def base(self) -> Path:
        return self.root / self.migrations

    @property
    def pending(self) -> Path:
        return self.base / "pending"

    @property
    def applied(self) -> Path:
        return self.base / "applied"

    @property
    def archived(self) -> Path:
        return self.base / "archived"

    @property
    def rollback(self) -> Path:
        return self.base / "rollback"

    @property
    def docs_dir(self) -> Path:
        return self.root / self.docs

    @property
    def state_dir(self) -> Path:
        return self.root / ".agentdb"


def read_text(path: Path) -> str:
    """The text of an SQL file. Errors: MigrationFileError that says what is wrong with the file and what to do."""
    where = str(path)
    try:
        with open(path, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            if size > MAX_BYTES:
                raise MigrationFileError(
                    f"the file is {size / 1024 / 1024:.0f} MB; a migration may have {MAX_BYTES // 1024 // 1024} MB",
                    where=where,
                    hint="Load large data with COPY outside the migration and keep schema changes here.",
                )
            data = file.read()
    except IsADirectoryError:
        raise MigrationFileError(
            "this is a directory, not a migration file", where=where, hint="Name a .sql file in it."
        ) from None
    except FileNotFoundError:
        raise MigrationFileError("there is no such file", where=where, hint="Check the path.") from None
    except PermissionError:
        raise MigrationFileError("the file may not be read", where=where, hint="Check its permissions.") from None
    except OSError as error:
        raise MigrationFileError(f"the file cannot be read: {error.strerror}", where=where) from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise MigrationFileError(
            f"byte {error.start} (0x{data[error.start]:02x}) is not UTF-8",
            where=f"{where}:{line}",
            hint="Save the file as UTF-8.",
        ) from None
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        raise MigrationFileError(
            "there is a NUL byte in the file", where=f"{where}:{line}", hint="Remove it; SQL has none."
        )
    if not text.strip():
        raise MigrationFileError(
            "the file is empty", where=where, hint="Write the migration's SQL, or delete the file."
        )
    return text


def headers_of(text: str) -> dict[str, tuple[str, ...]]:
    """What the comment lines at the top of a file say: `-- depends: 003, 004` is {"depends": ("003", "004")}.

    Only known keys count (HEADER_KEYS), so that an ordinary comment with a colon is no header. Values of `depends`
    and `agentdb` are split at commas; others are kept whole.
    """
    found: dict[str, tuple[str, ...]] = {}
    for line in io.StringIO(text, newline=None):
        stripped = line.strip()
        if stripped and not stripped.startswith("--"):
            break
        match = HEADER.fullmatch(stripped)
        if match and match["key"] in HEADER_KEYS and match["value"]:
            value = match["value"]
            many = match["key"] in ("depends", "agentdb")
            values = tuple(v.strip() for v in value.split(",") if v.strip()) if many else (value,)
            found[match["key"]] = found.get(match["key"], ()) + values
    return found


def read_migration(path: Path, layout: Layout | None = None, state: str | None = None) -> Migration:
    """The migration in a file. A file not named NNN_description.sql gets version "0" and its stem as name.

    state defaults to the folder's name when it is one of the layout's. Errors: MigrationFileError.
    """
    text = read_text(path)
    parts = naming.parse_name(path.name)
    version, name = parts if parts else ("0", path.stem)
    folder = path.parent.name
    rollback = capture = None
    if layout:
        down = layout.rollback / f"{version}_{name}.sql"
        keep = layout.rollback / f"{version}_{name}.capture.sql"
        rollback, capture = (down if down.is_file() else None), (keep if keep.is_file() else None)
    return Migration(
        version=version,
        name=name,
        path=path,
        sql=text,
        sha256=naming.checksum(text),
        headers=headers_of(text),
        state=state or (folder if folder in ("pending", "applied", "archived") else "pending"),
        rollback_path=rollback,
        capture_path=capture,
    )


def discover(layout: Layout) -> tuple[Migration, ...]:
    """The migrations in pending/ and applied/, by number, then name, then state. Duplicate numbers are kept: finding
    them is the Conflict Resolver's work. Errors: UsageError without the folder; MigrationFileError for a bad file or
    a .sql file whose name is not NNN_description.sql."""
    if not layout.base.is_dir():
        raise UsageError(
            "there is no migrations folder",
            where=str(layout.base),
            hint="Run `agentdb init`, or name it in agentdb.toml.",
        )
    found = []
    for folder in (layout.applied, layout.pending):
        for path in sorted(folder.glob("*.sql")) if folder.is_dir() else ():
            if naming.parse_name(path.name) is None:
                raise MigrationFileError(
                    "the file is not named NNN_description.sql",
                    where=str(path),
                    hint=f"Rename it, for example to 001_{naming.slug(path.stem) or 'change'}.sql.",
                )
            found.append(read_migration(path, layout))
    return tuple(sorted(found, key=lambda m: (m.number, m.name, m.state)))


def move(migration: Migration, folder: Path) -> Path:
    """The migration's file moved into `folder`; its new path. Errors: UsageError when a file of that name is there."""
    target = folder / migration.path.name
    if target.exists():
        raise UsageError("a file of that name is already there", where=str(target), hint="Rename one of the two.")
    folder.mkdir(parents=True, exist_ok=True)
    migration.path.rename(target)
    return target


def rename(source: Path, target: Path) -> Path:
    """The file under its new name. Errors: UsageError when a file of that name is there, or the system refuses."""
    if target.exists():
        raise UsageError("a file of that name is already there", where=str(target), hint="Rename one of the two.")
    try:
        return source.rename(target)
    except OSError as error:
        raise UsageError(f"cannot rename: {error.strerror or error}", where=str(source)) from None


def write_whole(path: Path, text: str, *, mode: int = 0o644) -> Path:
    """The text written to `path` all or not at all (a temporary file beside it, then renamed).
    Errors: UsageError with what the file system said (read-only, no space, no permission)."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        temporary.chmod(mode)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True) if temporary.exists() else None
        raise UsageError(
            f"cannot write: {error.strerror or error}",
            where=str(path),
            hint="Check the folder's permissions and free space.",
        ) from None
    return path
