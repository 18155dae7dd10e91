"""agentdb demo: the whole crew at work on a stand-in production database, from files to production and back."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from ..graph.run import Crew, Standing
    from ..tools.ledger.approvals import Approval
    from .demo_stage import Stage

TAKEN_BACK = "011_drop_legacy_notes"


def demo(
    directory: Path = typer.Option(Path("agentdb-demo"), "--directory", "-d", help="Where the project is made."),
    interactive: bool = typer.Option(False, "--interactive", "-i", help="You answer at the gate, not the script."),
    keep: bool = typer.Option(False, "--keep", help="Leave the stand-in production running afterwards."),
) -> None:
    """See the whole crew at work on a stand-in production database."""
    from . import demo_stage

    try:
        with demo_stage.stand_in(directory) as stage:
            Demo(stage, interactive=interactive).play()
    finally:
        if not keep:
            demo_stage.stop()


class Demo:
    """The acts of the demo, in order. Every figure on the screen is read from what the tools returned."""

    def __init__(self, stage: Stage, *, interactive: bool) -> None:
        from .context import open_project
        from .report_screen import listener
        from .screen import console

        self.stage = stage
        self.interactive = interactive
        self.out = console()
        self.project = open_project(stage.layout.root)
        self.began = time.monotonic()
        self.act_number = 0
        self.listen = listener(self.out)

    def play(self) -> None:
        """All acts."""
        self.opening()
        waiting = len(list(self.stage.layout.pending.glob("*.sql")))
        self.act(f"{waiting} migrations wait. The crew takes a first look")
        self.first_look()
        self.act("The developers do what the report says")
        self.mend()
        kept = self.notes()
        self.act("The crew looks again, and asks a person")
        self.second_look_and_apply()
        self.act("Second thoughts: the dropped column is wanted back")
        self.take_back(kept)
        self.closing()

    # -- acts ----------------------------------------------------------------------------------------------------

    def opening(self) -> None:
        rows = sum(self.stage.rows.values())
        self.out.print("[head]agentdb demo[/head]  a shop's migrations on their way to production\n")
        self.out.print(f"  project     {self.short(self.stage.layout.root)}")
        self.out.print(
            f"  production  PostgreSQL {self.stage.server}, a stand-in: {len(self.stage.rows)} tables, {rows:,} rows"
        )
        self.out.print("  model       none; every fact below comes from tools")

    def first_look(self) -> None:
        with self.crew() as crew:
            standing = crew.start("demo:first", {"name": "first-look", "wants_apply": True}, self.listen)
        self.verdict(standing)
        self.findings(standing, least="error")

    def mend(self) -> None:
        from ..tools import files
        from ..tools.conflicts.find import archived_files, case_of, conflicts_of, rollback_files
        from ..tools.conflicts.plan import carry_out, resolution

        layout = self.stage.layout
        case = case_of(
            files.discover(layout), (), rollback_files(layout), archived=archived_files(layout), root=layout.root
        )
        plan = resolution(case, conflicts_of(case))
        carry_out(plan)
        for move in (m for m in plan.moves if m.source.parent == layout.pending):
            self.done("conflicts --fix", f"{move.source.name} becomes {move.target.name}")
        (layout.pending / "009_drop_legacy_notes.sql").unlink()
        for path in sorted((layout.root / "fixes").glob("*.sql")):
            text = files.read_text(path)
            files.write_whole(layout.pending / path.name, text)
            for line in _statements(text):
                self.done(path.name.split("_")[0], line)

    def second_look_and_apply(self) -> None:
        with self.crew() as crew:
            standing = crew.start("demo:second", {"name": "release", "wants_apply": True}, self.listen)
            self.verdict(standing)
            if standing.question is None:
                raise typer.Exit(int(standing.verdict.get("exit_code", 3)) or 3)
            self.rollbacks(standing)
            self.pause(standing.question)
            approval = self.sign(crew, standing)
            self.act("Applied to production, and verified")
            standing = self.answer(crew, standing, approval)
        applied = standing.state.get("applied", {})
        verified = standing.state.get("verified", {})
        if not applied.get("ok"):
            self.out.print(f"  [bad]not applied[/bad] {applied.get('error')}")
            raise typer.Exit(4)
        self.out.print(f"  [good]verified[/good]  {_verified(applied, verified)}")

    def take_back(self, kept: tuple[int, str] | None) -> None:
        from ..tools.ledger.apply import roll_back
        from . import ledger

        target = self.project.target()
        self.out.print(f"  before the apply  customers.legacy_notes: {_notes(kept)}")
        self.out.print(f"  now               customers.legacy_notes: {_notes(self.notes())}")
        with ledger.looking(target) as conn:
            plan = ledger.plan_for(self.project, target, conn, [TAKEN_BACK], "rollback")
        self.out.print(f"  approved          take back {TAKEN_BACK}, plan {plan.sha256[:16]}")
        if self.interactive:
            self.confirm(plan.database)
        approval = self.signed(plan)
        result = roll_back(ledger.request(self.project, target, approval))
        found = self.notes()
        self.out.print(f"  taken back        customers.legacy_notes: {_notes(found)}")
        ok = result.verification.ok and found == kept
        word = "[good]verified[/good]        " if ok else "[warn]not verified[/warn]    "
        differs = "; ".join(result.verification.differences)
        detail = "schema and rows are what they were" + (f"; {differs}" if differs else "")
        self.out.print(f"  {word}  {detail if ok else differs or 'the notes are not what they were'}")

    def closing(self) -> None:
        root = self.stage.layout.root
        took = time.monotonic() - self.began
        self.out.print(f"\n[head]Done in {took:.0f} s.[/head] Open these:\n")
        docs = self.stage.layout.docs_dir
        for label, path in (
            ("report", docs / "reports/release.md"),
            ("docs", docs / "schema/README.md"),
            ("diagram", docs / "schema/erd.html"),
            ("rollback", self.stage.layout.rollback / f"{TAKEN_BACK}.sql"),
        ):
            if path.exists():
                self.out.print(f"  {label:<9} {self.short(path)}")
        self.out.print(f"\nTry it yourself: agentdb demo --interactive. Everything above lies in {self.short(root)}.")

    # -- pieces --------------------------------------------------------------------------------------------------

    def crew(self) -> AbstractContextManager[Crew]:
        from . import crew as opening

        return opening.crew_of(self.project, opening.target_of(self.project, None), None)

    def answer(self, crew: Crew, standing: Standing, approval: Approval) -> Standing:
        from ..graph.gate import Answer
        from .deciding import as_text

        assert standing.question is not None
        answer = Answer(decision="approve", approval=as_text(approval))
        return crew.answer(standing.thread, answer, standing.question["plan_sha256"], self.listen)

    def sign(self, crew: Crew, standing: Standing) -> Approval:
        """The person's signature on the plan as files and target are now. Only here, outside the graph."""
        from ..graph.run import plan_now

        assert standing.question is not None
        return self.signed(plan_now(standing.question, crew.context))

    def signed(self, plan: Any) -> Approval:
        from ..tools.ledger.approvals import sign
        from .demo_stage import PERSON

        now = datetime.now(UTC)
        key = self.stage.layout.state_dir / "approval_key"
        return sign(plan, approver=PERSON, key=key, created=now, expires=now + timedelta(minutes=30))

    def pause(self, question: Mapping[str, Any]) -> None:
        database = question["plan"]["database"]
        plan = str(question["plan_sha256"])[:16]
        self.out.print(f"\n  [head]Approve plan {plan} for {database} (prod)?[/head]")
        if self.interactive:
            self.confirm(database)
        else:
            self.out.print("  [quiet]answered by the script: yes, signed with the project's own key[/quiet]")

    def confirm(self, database: str) -> None:
        from ..errors import RefusedError

        typed = typer.prompt(f"  Type the database's name to approve ({database})", default="", show_default=False)
        if typed.strip() != database:
            raise RefusedError("that is not the database's name; nothing was applied", reason="not-confirmed")

    def notes(self) -> tuple[int, str] | None:
        """How many notes there are and a hash over them, or None without the column."""
        from ..tools.databases.postgres import connect

        with connect(self.stage.dsn) as conn:
            there = conn.execute(
                "SELECT 1 FROM information_schema.columns WHERE table_name = 'customers' AND column_name = 'legacy_notes'"
            ).fetchone()
            if not there:
                return None
            row = conn.execute(
                "SELECT count(legacy_notes), md5(string_agg(id || legacy_notes, '|' ORDER BY id)) FROM customers"
            ).fetchone()
        return (row[0], row[1]) if row else None

    # -- the screen ----------------------------------------------------------------------------------------------

    def act(self, title: str) -> None:
        self.act_number += 1
        self.out.print(f"\n[head]{self.act_number}  {title}[/head]")

    def done(self, what: str, detail: str) -> None:
        from .screen import safe

        self.out.print(f"  {what:<16} {safe(detail)}")

    def verdict(self, standing: Standing) -> None:
        from .screen import safe

        found = standing.verdict
        style = {"safe": "good", "needs approval": "note"}.get(found["word"], "bad")
        self.out.print(f"\n  Verdict: [{style}]{found['word'].upper()}[/{style}]")
        for reason in found["reasons"]:
            self.out.print(f"  - {safe(reason)}")

    def findings(self, standing: Standing, *, least: str) -> None:
        from .screen import safe, table

        found = [f for f in standing.state["findings"] if f["severity"] == least and f["proof"] != "REFUTED"]
        rows = [
            (f["id"], safe(f"{Path(f['path']).name}:{f['line']}"), safe(f["rule"]), f["proof"].lower()) for f in found
        ]
        self.out.print()
        self.out.print(table(("id", "place", "rule", "measured"), rows))

    def rollbacks(self, standing: Standing) -> None:
        from .screen import safe, table

        rows = [(safe(r["label"]), r["class"], safe(r["reason"])) for r in standing.state["rollbacks"]]
        self.out.print()
        self.out.print(table(("way back of", "certificate", ""), rows))

    def short(self, path: Path) -> str:
        """A path as a person would type it from here."""
        try:
            return f"./{path.relative_to(Path.cwd())}"
        except ValueError:
            return str(path)


def _statements(text: str) -> Sequence[str]:
    """The statements of a script, each on a line of at most 96 characters."""
    from ..tools.sql.parse import parse

    lines = [" ".join(p.statement.text.split()) for p in parse(text).statements]
    return [line if len(line) <= 96 else f"{line[:95]}…" for line in lines]


def _notes(found: tuple[int, str] | None) -> str:
    return "gone" if found is None else f"{found[0]:,} notes, md5 {found[1][:12]}"


def _verified(applied: Mapping[str, Any], verified: Mapping[str, Any]) -> str:
    count = len(applied.get("done", ()))
    if verified.get("ok"):
        return f"{count} migrations; the schema is the one that the sandbox ended with"
    return f"{count} migrations; {'; '.join(verified.get('against', ('not verified',)))}"
