"""The documentation of a schema as files: written whole, kept where a person wrote, and named where it is stale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...errors import UsageError
from .. import files
from ..records import Migration
from ..schema.model import ObjectId, Snapshot
from ..schema.store import from_json, to_json
from .diagrams import MARK, Whole, diagram_files, diagram_page
from .dictionary import dictionary_page
from .erd import diagram
from .evolution import PATH as CHANGELOG
from .evolution import Blame, Step, blame, changelog_page, history_section, last_step, steps
from .families import family_pages
from .index import index_page
from .outline import Outline
from .page import FORMAT, Page, Read, Section, read, rendered
from .tables import table_page, table_path

NOT_FROM_THE_SCHEMA = "0" * 16  # facts of sections that the snapshot alone does not tell
HISTORY = "history"
NO_HISTORY = Section(
    "none", NOT_FROM_THE_SCHEMA, "Nothing is recorded yet. `agentdb docs --replay` runs the migrations one by one."
)


@dataclass(frozen=True, slots=True)
class Stale:
    """A part of the documentation that is not what the schema says. reason: changed | missing | gone | edited |
    foreign (a file in the way that agentdb did not write)."""

    path: str
    section: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}{': ' + self.section if self.section else ''} ({self.reason})"


def pages_of(outline: Outline) -> tuple[Page, ...]:
    """Every page that a snapshot alone says, by path; the diagram's other files come from diagrams.diagram_files."""
    pages = [
        index_page(outline),
        dictionary_page(outline),
        diagram_page(diagram(outline)),
        *family_pages(outline),
        *(table_page(outline, table) for table in outline.tables),
    ]
    return tuple(sorted(pages, key=lambda p: p.path))


def write_docs(
    snapshot: Snapshot,
    out_dir: Path,
    *,
    ledger_rows: Sequence[Any] = (),
    migrations: Sequence[Migration] = (),
    previous: Snapshot | None = None,
    history: Sequence[tuple[Migration, Snapshot]] = (),
) -> tuple[Path, ...]:
    """The files of the documentation in `out_dir`, sorted; those that are as they should be are not touched.

    migrations: those that made the schema; without any, ledger_rows tell. The highest number names the stored
    snapshot. history: migrations, each with the snapshot after it, for the changelog; when it begins with nothing (no
    `previous`, the schema before it), also for who made what. Without history the last migration is compared with
    `previous`, or with the stored snapshot before it. What was written about other migrations stays. Notes of people stay always. Pages of things that are gone are removed unless they hold notes.
    Errors: UsageError when a file that agentdb did not write is in the way (nothing is written), or on a full or
    read-only disk.
    """
    number = _number(migrations, ledger_rows)
    taken = steps(history, previous) if history else _since_stored(snapshot, out_dir, number, migrations, previous)
    outline = Outline(snapshot)
    pages, wholes = pages_of(outline), diagram_files(diagram(outline))
    old = _existing(out_dir)
    _refuse_foreign(out_dir, [p.path for p in pages] + [CHANGELOG], wholes, old)
    histories = _histories(outline, blame(taken)) if history and previous is None else {}
    pages = (*(_with_history(p, histories, old) for p in pages), _changelog(taken, old))
    texts = {p.path: rendered(p, old[p.path].notes if p.path in old else None) for p in pages}
    texts |= {w.path: w.text for w in wholes}
    if number:
        texts[f"snapshots/{number}.json"] = to_json(snapshot)
    for path, found in old.items():
        if found.ours and path not in texts:
            kept = {k: v for k, v in found.notes.items() if v.strip()}
            if kept:
                texts[path] = rendered(Page(path, found.title, ()), kept)
            else:
                (out_dir / path).unlink()
    return tuple(_write(out_dir / path, text) for path, text in sorted(texts.items()))


def _write(path: Path, text: str) -> Path:
    if not path.is_file() or path.read_bytes() != text.encode():
        files.write_whole(path, text)
    return path


def _number(migrations: Sequence[Migration], ledger_rows: Sequence[Any]) -> str:
    """The version that the schema stands at, as written in the file's name; "" when nothing tells."""
    versions = [m.version for m in migrations] or [r.version for r in ledger_rows if r.status == "applied"]
    return max(versions, key=int, default="")


def _since_stored(
    snapshot: Snapshot, out_dir: Path, number: str, migrations: Sequence[Migration], previous: Snapshot | None
) -> tuple[Step, ...]:
    """The step from `previous`, or from the stored snapshot with the highest number below this one."""
    if previous is not None:
        return last_step(snapshot, previous, [max(migrations, key=lambda m: m.number)] if migrations else [])
    stored = [p for p in (out_dir / "snapshots").glob("*.json") if p.stem.isdecimal()]
    below = [p for p in stored if number and int(p.stem) < int(number)]
    if not below:
        return ()
    newest = max(below, key=lambda p: int(p.stem))
    try:
        before = from_json(newest.read_text(encoding="utf-8"))
    except (UsageError, UnicodeDecodeError):  # of another format: then the changelog waits for a replay
        return ()
    return last_step(snapshot, before, [m for m in migrations if m.number > int(newest.stem)])


def _histories(outline: Outline, known: Mapping[ObjectId, Blame]) -> dict[str, str]:
    """Path of a table's page -> the section of who made what."""
    found = {}
    for table in outline.tables:
        parts = [part.id for part in outline.all_parts(table.id)]
        body = history_section(table.id, parts, known)
        if body:
            found[table_path(table.id)] = f"## History\n\n{body}"
    return found


def _with_history(page: Page, histories: Mapping[str, str], old: Mapping[str, Read]) -> Page:
    """The page with the history of its table: the one known now, else the one that the file has."""
    had = old[page.path].sections.get(HISTORY) if page.path in old else None
    body = histories.get(page.path, had.body if had else "")
    if not body:
        return page
    return replace(page, sections=(*page.sections, Section(HISTORY, NOT_FROM_THE_SCHEMA, body)))


def _changelog(taken: Sequence[Step], old: Mapping[str, Read]) -> Page:
    """The changelog with the sections of earlier runs whose migrations are not told anew, the newest first."""
    new = changelog_page(taken)
    names = {s.name for s in new.sections}
    kept = [replace(s, notes=True) for s in (old[CHANGELOG].sections.values() if CHANGELOG in old else ())]
    sections = [*new.sections, *(s for s in kept if s.name not in names and not s.name.startswith("notes-of-"))]
    sections = [s for s in sections if s.name != NO_HISTORY.name]
    sections.sort(key=lambda s: _leading_number(s.body), reverse=True)
    sections = sections or [NO_HISTORY]
    return replace(new, sections=tuple(sections))


def _leading_number(body: str) -> int:
    digits = body.removeprefix("## ").partition("\\")[0].partition("_")[0]
    return int(digits) if digits.isdecimal() else 0


def _existing(out_dir: Path) -> dict[str, Read]:
    """The Markdown files in schema/, by path; what agentdb did not write is marked as such."""
    found = {}
    for path in sorted((out_dir / "schema").rglob("*.md")):
        name = path.relative_to(out_dir).as_posix()
        found[name] = read(path.read_text(encoding="utf-8", errors="replace"))
    return found


def _refuse_foreign(out_dir: Path, paths: Sequence[str], wholes: Sequence[Whole], old: Mapping[str, Read]) -> None:
    foreign = {p for p in paths if p in old and not old[p].ours}
    foreign |= {s.path for whole in wholes for s in _stale_whole(out_dir, whole) if s.reason == "foreign"}
    for path in sorted(foreign):
        raise UsageError(
            "agentdb did not write this file and will not replace it",
            where=str(out_dir / path),
            hint="Move it away, or name another folder with --out.",
        )


def stale(snapshot: Snapshot, out_dir: Path) -> tuple[str, ...]:
    """Each part of the documentation that is not what the schema says, as "path: section (reason)"; see Stale."""
    return tuple(str(s) for s in stale_parts(snapshot, out_dir))


def stale_parts(snapshot: Snapshot, out_dir: Path) -> tuple[Stale, ...]:
    """The parts that are out of date, by path. Compared by fingerprint; where that is right, also by text, unless
    another version of agentdb wrote the file."""
    outline = Outline(snapshot)
    pages = pages_of(outline)
    old = _existing(out_dir)
    found: list[Stale] = []
    for page in pages:
        found += _stale_sections(page, old.get(page.path))
    for whole in diagram_files(diagram(outline)):
        found += _stale_whole(out_dir, whole)
    expected = {p.path for p in pages} | {CHANGELOG}
    for path, there in old.items():
        if there.ours and path not in expected and not all(n.startswith("notes-of-") for n in there.sections):
            found.append(Stale(path, "", "gone"))
    return tuple(sorted(found, key=lambda s: (s.path, s.section)))


def _stale_sections(page: Page, there: Read | None) -> list[Stale]:
    if there is None:
        return [Stale(page.path, "", "missing")]
    if not there.ours:
        return [Stale(page.path, "", "foreign")]
    found = []
    wanted = {s.name: s for s in page.sections}
    for name, section in wanted.items():
        old = there.sections.get(name)
        if old is None:
            found.append(Stale(page.path, name, "missing"))
        elif old.facts != section.facts:
            found.append(Stale(page.path, name, "changed"))
        elif there.format == FORMAT and old.body.strip() != section.body.strip():
            found.append(Stale(page.path, name, "edited"))
    for name, old in there.sections.items():
        if name not in wanted and old.facts != NOT_FROM_THE_SCHEMA:
            found.append(Stale(page.path, name, "gone"))
    return found


def _stale_whole(out_dir: Path, whole: Whole) -> list[Stale]:
    path = out_dir / whole.path
    if not path.is_file():
        return [Stale(whole.path, "", "missing")]
    text = path.read_text(encoding="utf-8", errors="replace")
    mark = MARK.search(text[:1000] if whole.path.endswith(".mmd") else text[:20_000])
    if mark is None:
        return [Stale(whole.path, "", "foreign")]
    if mark["facts"] != whole.facts:
        return [Stale(whole.path, "", "changed")]
    return [Stale(whole.path, "", "edited")] if int(mark["format"]) == FORMAT and text != whole.text else []
