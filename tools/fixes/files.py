"""The files of a rewrite: their names, their numbers, and their text with the original's comments."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import naming
from ..files import HEADER, HEADER_KEYS
from ..sql.parse import Script
from .arrange import Group

OUTSIDE = "-- agentdb: no-transaction"
CARRIED = ("author", "ticket")


@dataclass(frozen=True, slots=True)
class Draft:
    """One file of a rewrite. no_transaction: its statements each run by themselves."""

    path: Path
    text: str
    no_transaction: bool


def drafts(groups: Sequence[Group], script: Script, path: Path, taken: Collection[str]) -> tuple[Draft, ...]:
    """The files, the first under the original's name. taken: version numbers in use, as written."""
    paths = _paths(groups, path, taken)
    said = _headers(script)
    made = []
    seen: set[int] = set()
    for number, group in enumerate(groups):
        lines = top(script) if number == 0 else _head(said, path, paths, groups, number)
        body = _body(group, script, seen)
        while lines and not lines[-1] and body and not body[0].strip():
            body.pop(0)
        if group.header and not any(OUTSIDE in line for line in lines):
            lines.insert(0, OUTSIDE)
        tail = _tail(script) if number == 0 else []
        made.append(Draft(paths[number], _joined([*lines, *body, *tail]), group.header))
    return tuple(made)


def diff(path: Path, before: str, files: Sequence[Draft], shown: str = "") -> str:
    """The change as one unified diff; new files come from /dev/null. shown: the original's name in it."""
    made: list[str] = []
    for draft in files:
        old = before.splitlines(keepends=True) if draft.path == path else []
        name = str(Path(shown or path).with_name(draft.path.name))
        made += difflib.unified_diff(
            old, draft.text.splitlines(keepends=True), f"a/{name}" if old else "/dev/null", f"b/{name}"
        )
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in made)


def _paths(groups: Sequence[Group], path: Path, taken: Collection[str]) -> list[Path]:
    parts = naming.parse_name(path.name)
    paths = [path]
    used = list(taken)
    for place, group in enumerate(groups[1:], 2):
        if parts is None:
            paths.append(path.with_name(f"{path.stem}_{place}_{group.step}{path.suffix or '.sql'}"))
            continue
        version = naming.next_version([*used, parts.version])
        used.append(version)
        names = [p.name.partition("_")[2] for p in paths]
        name = f"{parts.name}_{group.step}.sql"
        while name in names:
            name = f"{name.removesuffix('.sql')}_again.sql"
        paths.append(path.with_name(f"{version}_{name}"))
    return paths


def _headers(script: Script) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in script.sql.splitlines():
        if line.strip() and not line.strip().startswith("--"):
            break
        match = HEADER.fullmatch(line.strip())
        if match and match["key"] in HEADER_KEYS:
            found[match["key"]] = match["value"]
    return found


def _head(said: dict[str, str], path: Path, paths: list[Path], groups: Sequence[Group], number: int) -> list[str]:
    """The headers of a further file."""
    purpose = said.get("purpose") or said.get("description") or path.stem
    lines = [f"-- purpose: {purpose} (step {number + 1} of {len(groups)}: {groups[number].step})"]
    lines += [f"-- {key}: {said[key]}" for key in CARRIED if key in said]
    if before := naming.parse_name(paths[number - 1].name):
        lines.append(f"-- depends: {before.version}")
    return [*lines, ""]


def _body(group: Group, script: Script, seen: set[int]) -> list[str]:
    """The group's statements, each with the comments that stood at its original, where those were not shown yet."""
    lines: list[str] = []
    for piece in group.pieces:
        first = piece.index not in seen
        if first:
            seen.add(piece.index)
            lead = _lead(script, piece.index)
            if lines and not lines[-1].strip():
                while lead and not lead[0].strip():
                    lead.pop(0)
            lines += lead
        if first and not piece.original:
            lines += [c for c in _inside(script, piece.index) if c not in piece.part.sql]
        lines += f"{piece.part.sql};{_beside(script, piece.index) if first else ''}".split("\n")
    return lines


def top(script: Script) -> list[str]:
    """The lines at the top of the file that are about all of it: up to the first empty one."""
    start = script.statements[0].statement.span.start
    lines = script.sql.encode()[:start].decode().split("\n")[:-1]
    return lines[: lines.index("") + 1] if "" in lines else lines


def _lead(script: Script, index: int) -> list[str]:
    """The lines between the statement before and this one, without what stands on the earlier one's last line; the
    file's own BEGIN and COMMIT are passed over, and so is what is about the whole file."""
    data = script.sql.encode()
    span = script.statements[index].statement.span
    start = _end(script, index - 1) if index else 0
    lines = data[start : span.start].decode().split("\n")
    if index:
        lines[0] = ""
    else:
        lines = lines[len(top(script)) :]
    from .arrange import steers

    if index and steers(script.statements[index - 1]):
        lines = _lead(script, index - 1) + lines[1:]
    if lines and not lines[-1].strip():
        lines.pop()
    return lines


def _end(script: Script, index: int) -> int:
    """The byte after the statement's semicolon."""
    data = script.sql.encode()
    at = script.statements[index].statement.span.end
    comments = {c.start: c.end for c in script.comments}
    while at < len(data) and data[at : at + 1] != b";":
        at = comments.get(at, at + 1)
    return min(at + 1, len(data))


def _beside(script: Script, index: int) -> str:
    """The comment at the end of the statement's last line."""
    data = script.sql.encode()
    start = _end(script, index)
    line = data[start:].split(b"\n", 1)[0].decode().strip()
    return f"  {line}" if line.startswith("--") else ""


def _inside(script: Script, index: int) -> list[str]:
    """The comments inside a statement that was written anew, as lines above it."""
    span = script.statements[index].statement.span
    return [c.text.strip() for c in script.comments if span.start <= c.start < span.end]


def _tail(script: Script) -> list[str]:
    """What follows the last statement."""
    data = script.sql.encode()
    rest = data[_end(script, len(script.statements) - 1) :].decode().split("\n")
    return rest[1:]


def _joined(lines: list[str]) -> str:
    return "\n".join(lines).strip("\n") + "\n"
