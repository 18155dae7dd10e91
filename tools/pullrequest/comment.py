"""The one comment on a pull request: verdict first, then what to do, the table, and the scripts folded.

Every value of the record is taken for hostile, whoever made it, and goes through `escape`. No line begins with one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..records import Finding, Loss, Proof, Severity
from .escape import block, code, cut, html, text
from .page import Page, size
from .record import Entry, Judgement, Locked, Record, WayBack
from .verdict import blocks, counts, is_conflict

MARKER = "<!-- agentdb:pr -->"
# GitHub takes 65,536 characters, GitLab 1,000,000; the record has everything.
LIMIT = 60_000
SIGNS = {
    "nothing": "✅ agentdb: no migrations changed",
    "fine": "✅ agentdb: nothing found against merging",
    "look": "✋ agentdb: look at this before merging",
    "blocked": "⛔ agentdb: not ready to merge",
}
CHANGED = {
    "added": "new",
    "modified": "changed",
    "renamed": "renamed",
    "moved": "moved",
    "deleted": "deleted",
    "rollback": "rollback changed",
}
STANDS = {
    "current": "in the tree",
    "written": "written to the tree",
    "kept": "in the tree, not as drafted, and proven as it is",
    "missing": "drafted; not in the tree",
    "stale": "stale in the tree: it holds less than the draft",
}
ELSEWHERE = "see the report that the job keeps as its artifact"


def comment(record: Record, *, run: str = "", limit: int = LIMIT) -> str:
    """The comment, the marker on its first line. run: address of the job, from who posts it, never from the record."""
    closing = [*_notes(record, limit // 8), *_footer(record, run)]
    page = Page(limit - size(closing))
    page.put(MARKER, f"### {SIGNS[record.verdict.word]}", "")
    page.put(_about(record), "")
    _verdict(page, record.verdict, limit)
    _table(page, record, limit)
    _conflicts(page, [f for f in record.findings if is_conflict(f)], record, limit)
    _findings(page, [f for f in record.findings if not is_conflict(f)], record.fail_on, limit)
    _scripts(page, record.migrations)
    _evidence(page, record)
    page.put(*closing)
    return str(page)


def _about(record: Record) -> str:
    base = record.base
    many = _many(len(record.migrations), "migration")
    where = f"{many} since {code(base.ref, 80)} ({code(base.parted[:12])} to {code(base.head[:12])})"
    how = f"measured on {text(record.server, 60)}" if record.measured else "read, not run"
    source = {"target": "a target's schema", "migrations": "the earlier files"}.get(record.source, "")
    return f"{where}, {how}{f', starting from {source}' if record.measured and source else ''}."


def _verdict(page: Page, verdict: Judgement, limit: int) -> None:
    share = limit // 10
    page.put_all(verdict.reasons, _item, lambda n: f"{n} more reasons: {ELSEWHERE}.", share=share)
    page.put("")
    page.put_all(
        list(enumerate(verdict.do, 1)),
        lambda numbered: f"{numbered[0]}. {text(numbered[1])}",
        lambda n: f"{n} more things to do: {ELSEWHERE}.",
        head=["**What to do**", ""],
        tail=[""],
        share=share,
    )


def _table(page: Page, record: Record, limit: int) -> None:
    page.put_all(
        record.migrations,
        lambda entry: _row(entry, record),
        lambda n: f"{n} more migrations: {ELSEWHERE}.",
        head=["| migration | hazards | rollback certificate | locks on what was there |", "| --- | --- | --- | --- |"],
        tail=[""],
        share=limit // 4,
    )


def _item(words: str) -> str:
    return f"- {text(words)}"


def _row(entry: Entry, record: Record) -> str:
    name = f"{code(entry.label, 90)} {CHANGED[entry.change]}"
    if entry.change == "renamed" and entry.was:
        name += f", was {code(entry.was, 90)}"
    return f"| {name} | {_hazards(entry, record)} | {_going_back(entry)} | {_locks(entry)} |"


def _hazards(entry: Entry, record: Record) -> str:
    mine = [f for f in record.findings if f.path == entry.path and counts(f)]
    if entry.ok is False:
        return f"**fails**: {text(entry.error, 160)}"
    groups = [("conflict", [f for f in mine if is_conflict(f)])]
    groups += [(s.value, [f for f in mine if f.severity is s and not is_conflict(f)]) for s in reversed(Severity)]
    words = [_counted(name, found) for name, found in groups if found]
    if entry.ok is None and entry.error:
        words.append(f"not run: {text(entry.error, 160)}")
    return "; ".join(words) or "none"


def _counted(name: str, found: Sequence[Finding]) -> str:
    """ "2 errors (F-1, F-3)"."""
    return f"{_many(len(found), name)} ({_listed((text(f.id, 12) for f in found), 4)})"


def _going_back(entry: Entry) -> str:
    back = entry.rollback
    if back is None:
        return "not tried" if entry.change != "deleted" else ""
    word = f"**{back.klass}**{'' if back.proven else ' (not proven)'}"
    lost = _listed((_loss(x) for x in back.losses), 3)
    return f"{word}{f': {lost}' if lost else ''}. {STANDS[back.state].capitalize()}."


def _loss(loss: Loss) -> str:
    columns = f" ({', '.join(code(c, 60) for c in loss.columns[:4])}{', …' if len(loss.columns) > 4 else ''})"
    rows = f", {_many(loss.rows, 'row')} of the rehearsal" if loss.rows is not None else ""
    return f"{code(loss.table, 80)}{columns if loss.columns else ''}{rows}"


def _locks(entry: Entry) -> str:
    if entry.ok is None:
        return "not run"
    said = [*map(_lock, entry.locks[:3]), *(text(w, 120) for w in entry.work[:3])]
    more = max(0, len(entry.locks) - 3) + max(0, len(entry.work) - 3)
    return ("; ".join(said) or "none") + (f"; {more} more" if more else "")


def _lock(lock: Locked) -> str:
    return f"{text(lock.mode, 40)} on {code(lock.relation, 80)}{f': {text(lock.waits, 80)}' if lock.waits else ''}"


def _conflicts(page: Page, found: Sequence[Finding], record: Record, limit: int) -> None:
    page.put_all(
        found,
        lambda f: _finding(f, record.fail_on),
        lambda n: f"{n} more conflicts: {ELSEWHERE}.",
        head=["**Conflicts**", ""],
        tail=[""],
        share=limit // 8,
    )
    page.put_all(
        list(enumerate(record.moves, 1)),
        lambda numbered: f"- M-{numbered[0]} {text(numbered[1])}",
        lambda n: f"{n} more renames: {ELSEWHERE}.",
        head=["Renames that would settle this:", ""],
        tail=[""],
        share=limit // 16,
    )


def _finding(f: Finding, fail_on: str) -> str:
    where = f" ({code(f'{f.path}:{f.line}' if f.line else f.path, 120)})" if f.path else ""
    strength = f"**{f.severity.value}**" if blocks(f, fail_on) else f.severity.value
    proof = {Proof.CONFIRMED: " Seen in the sandbox.", Proof.REFUTED: " Seen not to happen; it does not count."}
    state = f" Ignored in the file: {text(f.ignored, 160)}." if f.ignored else proof.get(f.proof, "")
    said = f"{text(_sentence(f.title), 240)} {text(f.why, 400)} {text(f.fix, 400)}".strip()
    return f"- {text(f.id, 12)} {strength} {code(f.rule, 60)}{where}: {said}{state}"


def _findings(page: Page, found: Sequence[Finding], fail_on: str, limit: int) -> None:
    ordered = sorted(found, key=lambda f: (not counts(f), -f.severity.rank))
    page.put_all(
        ordered,
        lambda f: _finding(f, fail_on),
        lambda n: f"{n} more findings: {ELSEWHERE}.",
        head=["<details>", f"<summary>{_many(len(found), 'finding')}</summary>", ""],
        tail=["", "</details>", ""],
        share=limit // 4,
    )


def _scripts(page: Page, entries: Iterable[Entry]) -> None:
    backs = [(entry, entry.rollback) for entry in entries if entry.rollback is not None]
    for number, (entry, back) in enumerate(backs, 1):
        if not back.sql:
            continue
        long = len(back.sql) + len(back.capture_sql) > page.room  # escaping makes it longer still
        lines = [] if long else _script(f"R-{number}", entry, back)
        if long or size(lines) > page.room - 2_000:
            lines = [
                f"The rollback of {code(entry.label, 90)} is too long for here: {code(back.path)}, or {ELSEWHERE}.",
                "",
            ]
        if size(lines) <= page.room - 400:
            page.put(*lines)


def _script(id: str, entry: Entry, back: WayBack) -> list[str]:
    word = f"{back.klass}{'' if back.proven else ', not proven'}"
    lines = [
        "<details>",
        f"<summary>{id} rollback of <code>{html(entry.label, 90)}</code> ({word})</summary>",
        "",
        f"{code(back.path)}, written by {back.by}. {text(_sentence(back.reason))}".rstrip(),
        "",
        *(f"- does not come back: {_loss(x)}. {text(x.why, 200)}".rstrip() for x in back.losses[:10]),
        *(f"- differs: {text(d, 200)}" for d in back.differences[:10]),
        "",
        *block(back.sql),
        "",
    ]
    if back.capture_sql:
        lines += [f"{code(back.capture_path)} keeps the rows that this needs, just before the migration:", ""]
        lines += [*block(back.capture_sql), ""]
    return [*lines, "</details>", ""]


def _evidence(page: Page, record: Record) -> None:
    page.put_all(
        record.evidence,
        lambda e: f"- {text(e.id, 12)} {text(e.summary, 300)}",
        lambda n: f"{n} more measurements: {ELSEWHERE}.",
        head=["<details>", "<summary>What was measured</summary>", ""],
        tail=["", "</details>", ""],
        share=page.limit // 6,
    )
    page.put_all(
        record.notes,
        _item,
        lambda n: f"{n} more notes: {ELSEWHERE}.",
        tail=[""],
        share=page.limit // 12,
    )


def _notes(record: Record, share: int) -> list[str]:
    """What a model wrote, in a box that says what it is not."""
    if not record.said:
        return []
    lines = [f"> **Notes of the crew** (written by {code(record.model, 60)}; not used for the verdict)"]
    for said in record.said:
        lines += [">", f"> {text(said.title, 60)}", ">"]
        for sentence, cites in said.sentences:
            line = f"> - {text(sentence)} ({', '.join(text(c, 12) for c in cites[:6])})"
            if size(lines) + size([line]) > share:
                return [*lines, "> - and more", ""]
            lines.append(line)
    if record.struck:
        lines += [">", f"> {_many(record.struck, 'sentence')} struck: nothing showed what they said."]
    return [*lines, ""]


def _footer(record: Record, run: str) -> list[str]:
    words = [f"agentdb {text(record.agentdb, 20)}", f"project {code(record.project, 60)}"]
    if record.base.worktree:
        words.append("files that are not committed count")
    words.append("a model wrote the notes above" if record.said else "no model had a part in this")
    if run:
        words.append(f"[the job]({run})")
    return ["", "---", ", ".join(words)]


def _listed(items: Iterable[str], most: int, between: str = ", ") -> str:
    every = list(items)
    more = f"{between}{len(every) - most} more" if len(every) > most else ""
    return between.join(every[:most]) + more


def _sentence(words: str) -> str:
    """Words as a sentence of their own; a name at the beginning keeps its letters."""
    first = words[:1].upper() if words.partition(" ")[0].isalpha() else words[:1]
    return f"{first}{words[1:].rstrip('.')}." if words else ""


def _many(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 or word == 'info' else 's'}"


def summary(record: Record) -> str:
    """The verdict in one line of plain words, for a step's output and a log."""
    from .escape import visible

    first = record.verdict.reasons[0] if record.verdict.reasons else ""
    return cut(visible(f"{SIGNS[record.verdict.word].split(': ', 1)[1]}{f': {first}' if first else ''}"), 300)
