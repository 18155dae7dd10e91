"""The gate, attacked in every way that LangGraph leaves open: what reaches production is nothing, or the genuine plan once."""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support import resumer
from support.recorder import Recorder
from support.shop import Shop, applied_in, fill, state_of

import agentdb
from agentdb.errors import AgentdbError, RefusedError
from agentdb.graph.gate import Answer
from agentdb.graph.run import Crew, Standing, plan_now
from agentdb.tools.ledger import approvals, audit, plan
from agentdb.tools.sandbox.databases import SandboxDatabase
from agentdb.tools.sandbox.server import SandboxServer

Attack = Callable[["Scene"], None]

# What would let a session that was opened for reading do more than read.
LEAVES_READING = re.compile(
    r"READ\s+WRITE|transaction_read_only\s*(=|TO)\s*'?(off|false|0)|SESSION\s+CHARACTERISTICS", re.IGNORECASE
)
OF_THE_MIGRATIONS = ("loyalty", "phone", "DELETE FROM orders", "DROP TABLE")


@dataclasses.dataclass
class Scene:
    """A thread that waits at the gate, and everything that an attacker could lay hands on but the person's key."""

    shop: Shop
    crew: Crew
    standing: Standing
    recorder: Recorder
    production: SandboxDatabase

    @property
    def config(self) -> Any:
        return {"configurable": {"thread_id": self.shop.thread}, "recursion_limit": 60}

    @property
    def sha(self) -> str:
        return str(self.standing.question["plan_sha256"]) if self.standing.question else ""

    def invoke(self, given: Any, config: Any = None) -> Any:
        """Straight into the graph, past everything that agentdb puts before it."""
        options: dict[str, Any] = {"context": self.crew.context, "durability": "sync", "version": "v2"}
        return self.crew.graph.invoke(given, config or self.config, **options)

    def answer(self, approval: str) -> Standing:
        """The way that the talk answers."""
        return self.crew.answer(self.shop.thread, Answer(decision="approve", approval=approval), self.sha)

    def forged(self) -> dict[str, str]:
        """A yes that looks right and that nobody signed."""
        genuine = json.loads(self.shop.genuine(self.crew, self.standing))
        genuine["signature"] = "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n"
        return {"decision": "approve", "approval": json.dumps(genuine), "reason": ""}


@pytest.fixture(scope="module")
def waiting(
    production_server: SandboxServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Shop, SandboxDatabase]]:
    """A shop whose crew has done its work and waits for a person. Tests work on copies of its folder."""
    with production_server.create() as production:
        fill(production)
        shop = Shop.make(tmp_path_factory.mktemp("gate") / "shop", production.dsn)
        with shop.crew() as crew:
            standing = crew.start(shop.thread, {"wants_apply": True})
        assert standing.question and standing.verdict["word"] == "needs approval"
        yield shop, production


@pytest.fixture
def scene(waiting: tuple[Shop, SandboxDatabase], tmp_path: Path) -> Iterator[Scene]:
    """A copy of the waiting thread, with a recorder before production."""
    original, production = waiting
    recorder = Recorder(production.dsn)
    shop = original.copied(tmp_path / "shop", recorder.dsn)
    with shop.crew() as crew:
        yield Scene(shop, crew, crew.standing(shop.thread), recorder, production)
    recorder.close()


def wrote(recorder: Recorder) -> list[str]:
    """What reached production and could have changed it: sessions that may write, and statements of the migrations.

    A session that the server itself holds to reading cannot change a row, whatever it says, unless it says so first.
    """
    found = [f"session: {s}" for s in recorder.sessions if "default_transaction_read_only=on" not in s]
    for text in recorder.statements:
        mine = any(part in text for part in OF_THE_MIGRATIONS) and not text.lstrip().upper().startswith("SELECT")
        if mine or LEAVES_READING.search(text):
            found.append(text)
    return found


# ---- the attacks


def goto_apply(scene: Scene) -> None:
    from langgraph.types import Command

    scene.invoke(Command(goto="apply"))


def goto_with_a_forged_yes(scene: Scene) -> None:
    from langgraph.types import Command

    scene.invoke(Command(update={"decision": scene.forged()}, goto="apply"))


def update_as_the_gate(scene: Scene) -> None:
    scene.crew.graph.update_state(scene.config, {"decision": scene.forged()}, as_node="gate")
    scene.invoke(None)


def update_as_the_gate_without_any_approval(scene: Scene) -> None:
    scene.crew.graph.update_state(scene.config, {"decision": {"decision": "approve"}}, as_node="gate")
    scene.invoke(None)


def back_in_time(scene: Scene) -> None:
    from langgraph.types import Command

    past = [s for s in scene.crew.graph.get_state_history(scene.config) if s.next == ("report",)]
    assert past, "there is a checkpoint before the report"
    scene.invoke(Command(update={"decision": scene.forged()}, goto="apply"), past[0].config)


def say_that_it_is_applied_and_go_back(scene: Scene) -> None:
    from langgraph.types import Command

    made_up = {
        "applied": {"ok": True, "done": []},
        "verified": {"ok": False, "against": ["x"]},
        "back_decision": scene.forged(),
    }
    scene.invoke(Command(update=made_up, goto="roll_back"))


def answer_with_a_forged_signature(scene: Scene) -> None:
    scene.answer(scene.forged()["approval"])


def answer_with_anothers_key(scene: Scene) -> None:
    elsewhere = scene.shop.root.parent / "mallory"
    key = approvals.create_local_key(elsewhere, "ada@example.org")
    made = plan_now(question(scene), scene.crew.context)
    scene.answer(scene.shop.sign(made, key=key))


def answer_with_a_later_end(scene: Scene) -> None:
    whole = json.loads(scene.shop.genuine(scene.crew, scene.standing))
    whole["payload"]["expires"] = "2099" + whole["payload"]["expires"][4:]
    scene.answer(json.dumps(whole))


def answer_with_a_no_made_a_yes(scene: Scene) -> None:
    made = plan_now(question(scene), scene.crew.context)
    whole = json.loads(scene.shop.sign(made, approve=False))
    whole["payload"]["decision"] = "approve"
    scene.answer(json.dumps(whole))


def answer_with_a_signed_no(scene: Scene) -> None:
    made = plan_now(question(scene), scene.crew.context)
    scene.answer(scene.shop.sign(made, approve=False))


def answer_too_late(scene: Scene) -> None:
    made = plan_now(question(scene), scene.crew.context)
    scene.answer(scene.shop.sign(made, age=timedelta(hours=5)))


def answer_for_another_plan(scene: Scene) -> None:
    """A genuine signature, with the plan in it exchanged for one of more than was approved."""
    with scene.production.connect() as conn:
        files = [plan.find(scene.shop.layout, "003_loyalty")]
        small = plan.build_plan(scene.shop.layout, files, conn, environment="prod", policy=plan.Policy())
    whole = json.loads(scene.shop.sign(small))
    whole["plan"] = question(scene)["plan"]
    scene.answer(json.dumps(whole))


def answer_with_the_approval_of_a_rollback(scene: Scene) -> None:
    made = dataclasses.replace(plan_now(question(scene), scene.crew.context), kind="rollback")
    scene.answer(scene.shop.sign(made))


def edit_the_file_after_approval(scene: Scene) -> None:
    yes = scene.shop.genuine(scene.crew, scene.standing)
    edit(scene.shop, "DELETE FROM orders;\n")
    with pytest.raises(RefusedError) as refused:
        scene.answer(yes)
    assert refused.value.reason == "edited-during-run"


def edit_the_file_and_go_around_the_gate(scene: Scene) -> None:
    yes = scene.shop.genuine(scene.crew, scene.standing)
    edit(scene.shop, "DELETE FROM orders;\n")
    scene.crew.graph.update_state(scene.config, {"decision": {"decision": "approve", "approval": yes}}, as_node="gate")
    scene.invoke(None)


def add_one_blank_at_the_end_of_a_line(scene: Scene) -> None:
    """The checksum looks past such a blank; what was signed does not."""
    yes = scene.shop.genuine(scene.crew, scene.standing)
    path = scene.shop.layout.pending / "004_phone.sql"
    path.write_text(path.read_text().rstrip("\n") + " \n")
    scene.answer(yes)


def edit_the_rollback_after_approval(scene: Scene) -> None:
    yes = scene.shop.genuine(scene.crew, scene.standing)
    path = scene.shop.layout.rollback / "004_phone.sql"
    path.write_text(path.read_text() + "-- and more\nDELETE FROM orders;\n")
    scene.answer(yes)


def forge_the_checkpoint_row(scene: Scene) -> None:
    """Write the yes into the SQLite file itself, past LangGraph."""
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

    database = sqlite3.connect(scene.shop.layout.state_dir / "state.db")
    with database:
        row = database.execute(
            "SELECT checkpoint_id, type, checkpoint FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = ''"
            " ORDER BY checkpoint_id DESC LIMIT 1",
            (scene.shop.thread,),
        ).fetchone()
        checkpoint = JsonPlusSerializer().loads_typed((row[1], row[2]))
        assert checkpoint["channel_values"]["plan"]["sha256"] == scene.sha
        checkpoint["channel_values"]["decision"] = scene.forged()
        checkpoint["channel_versions"] |= {"decision": max(checkpoint["channel_versions"].values())}
        checkpoint["channel_versions"].pop("branch:to:gate", None)
        checkpoint["channel_versions"]["branch:to:apply"] = checkpoint["channel_versions"]["decision"]
        checkpoint["channel_values"]["branch:to:apply"] = None
        checkpoint["channel_values"].pop("branch:to:gate", None)
        checkpoint["updated_channels"] = ["branch:to:apply", "decision"]
        kind, data = JsonPlusSerializer().dumps_typed(checkpoint)
        database.execute(
            "UPDATE checkpoints SET type = ?, checkpoint = ? WHERE checkpoint_id = ?", (kind, data, row[0])
        )
        database.execute("DELETE FROM writes WHERE checkpoint_id = ?", (row[0],))
    database.close()
    assert scene.crew.graph.get_state(scene.config).next == ("apply",), "the forged row leads straight to apply"
    scene.invoke(None)


def state_that_names_other_sql(scene: Scene) -> None:
    """Another plan, other files and another target in the state, with a yes that fits none of them."""
    from langgraph.types import Command

    evil = scene.shop.write("666_evil", "DROP TABLE orders;\n")
    known = {
        "version": "666",
        "name": "evil",
        "label": "666_evil",
        "path": "migrations/pending/666_evil.sql",
        "sha256": "0" * 64,
    }
    update = {
        "migrations": [known],
        "plan": {**scene.standing.state["plan"], "sha256": "0" * 64},
        "decision": scene.forged(),
    }
    with pytest.raises(RefusedError):  # the gate, which runs again beside it, refuses the tampered state
        scene.invoke(Command(update=update, goto="apply"))
    scene.crew.graph.update_state(scene.config, update, as_node="gate")
    scene.invoke(None)
    evil.unlink()


ATTACKS: dict[Attack, set[str]] = {
    goto_apply: {"no-approval"},
    goto_with_a_forged_yes: {"bad-signature"},
    update_as_the_gate: {"bad-signature"},
    update_as_the_gate_without_any_approval: {"no-approval"},
    back_in_time: {"bad-signature"},
    say_that_it_is_applied_and_go_back: {"bad-signature"},
    answer_with_a_forged_signature: {"bad-signature"},
    answer_with_anothers_key: {"unknown-signer"},
    answer_with_a_later_end: {"bad-signature"},
    answer_with_a_no_made_a_yes: {"bad-signature"},
    answer_with_a_signed_no: {"rejected"},
    answer_too_late: {"expired"},
    answer_for_another_plan: {"plan-mismatch"},
    answer_with_the_approval_of_a_rollback: {"wrong-kind"},
    edit_the_file_after_approval: set(),  # the gate itself sees it, and asks no further
    edit_the_file_and_go_around_the_gate: {"changed-file"},
    add_one_blank_at_the_end_of_a_line: {"changed-file"},
    edit_the_rollback_after_approval: {"changed-file"},
    forge_the_checkpoint_row: {"bad-signature"},
    state_that_names_other_sql: {"bad-signature"},
}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda a: a.__name__)
def test_an_attack_on_the_gate_reaches_nothing(scene: Scene, attack: Attack) -> None:
    before = state_of(scene.production.dsn)
    attack(scene)
    assert refusals(scene.shop) == ATTACKS[attack], "it got as far as the ledger, and was refused for the right reason"
    assert state_of(scene.production.dsn) == before
    assert wrote(scene.recorder) == []


def test_the_same_approval_is_good_for_the_thread_that_was_attacked(
    scene: Scene, waiting: tuple[Shop, SandboxDatabase]
) -> None:
    """After all of the above the genuine answer still works, on a production of its own."""
    genuine = scene.shop.genuine(scene.crew, scene.standing)
    with pytest.raises(RefusedError):
        scene.crew.answer(scene.shop.thread, Answer(decision="approve", approval=genuine), "0" * 64)
    assert scene.crew.standing(scene.shop.thread).question is not None


@pytest.mark.parametrize(
    "given",
    [
        {"decision": "approve", "approval": "", "apply_now": True},
        {"decision": "maybe"},
        {"approval": "x"},
        "yes",
        True,
        {"decision": "approve", "approval": "x" * 300_000},
    ],
    ids=["extra field", "unknown word", "no decision", "text", "boolean", "too long"],
)
def test_an_answer_of_the_wrong_shape_is_refused_and_can_be_given_again(scene: Scene, given: object) -> None:
    from langgraph.types import Command
    from pydantic import ValidationError

    with pytest.raises(ValidationError):
        scene.invoke(Command(resume={scene.standing.interrupt_id: given}))
    again = scene.crew.standing(scene.shop.thread)
    assert again.question == scene.standing.question
    assert refusals(scene.shop) == set() and wrote(scene.recorder) == []
    rejected = scene.crew.answer(scene.shop.thread, Answer(decision="reject"), scene.sha)
    assert rejected.state["decision"]["decision"] == "reject" and not rejected.state["applied"]


def test_another_target_is_refused(scene: Scene, production_server: SandboxServer) -> None:
    yes = scene.shop.genuine(scene.crew, scene.standing)
    with production_server.create() as other:
        fill(other)
        before = state_of(other.dsn)
        with Shop(scene.shop.root, other.dsn).crew() as crew:
            crew.answer(scene.shop.thread, Answer(decision="approve", approval=yes), scene.sha)
        assert state_of(other.dsn) == before
    assert refusals(scene.shop) == {"other-target"}
    assert wrote(scene.recorder) == []


def test_a_target_that_changed_since_is_refused(shop: Shop, recorder: Recorder, production: SandboxDatabase) -> None:
    with shop.crew() as crew:
        standing = crew.start(shop.thread, {"wants_apply": True})
        yes = shop.genuine(crew, standing)
    with production.connect() as conn:
        conn.execute("ALTER TABLE orders ADD COLUMN by_hand text")
    before = state_of(production.dsn)
    with Shop(shop.root, recorder.dsn).crew() as crew:
        assert standing.question
        crew.answer(shop.thread, Answer(decision="approve", approval=yes), standing.question["plan_sha256"])
    assert refusals(shop) == {"drifted"}
    assert state_of(production.dsn) == before and wrote(recorder) == []


def test_the_genuine_plan_is_applied_once_however_often_it_is_replayed(
    shop: Shop, recorder: Recorder, production: SandboxDatabase
) -> None:
    from langgraph.types import Command

    seen = Shop(shop.root, recorder.dsn)
    with seen.crew() as crew:
        standing = crew.start(shop.thread, {"wants_apply": True})
        assert standing.question
        sha, yes = standing.question["plan_sha256"], seen.genuine(crew, standing)
        waiting_at = crew.graph.get_state({"configurable": {"thread_id": shop.thread}}).config
        done = crew.answer(shop.thread, Answer(decision="approve", approval=yes), sha)
        assert done.state["applied"]["ok"] and done.state["verified"]["ok"]
        after, written = state_of(production.dsn), len(wrote(recorder))
        assert applied_in(production.dsn) == ["003_loyalty", "004_phone"] and written

        with pytest.raises(RefusedError) as again:
            crew.answer(shop.thread, Answer(decision="approve", approval=yes), sha)
        assert again.value.reason == "not-waiting"
        forms: list[tuple[Any, Any]] = [
            (Command(resume=Answer(decision="approve", approval=yes).model_dump()), waiting_at),
            (Command(goto="apply"), None),
            (Command(update={"decision": {"decision": "approve", "approval": yes}}, goto="apply"), None),
        ]
        for given, config in forms:
            config = config or {"configurable": {"thread_id": shop.thread}, "recursion_limit": 60}
            with contextlib.suppress(AgentdbError):  # the gate does not find the files, which are in applied/ by now
                crew.graph.invoke(given, config, context=crew.context, durability="sync", version="v2")
    with Shop(shop.root, recorder.dsn).crew() as crew:
        other = crew.start("another thread", {"wants_apply": True})
        assert other.verdict["reasons"] == ["nothing is pending"]
        made_up = {"decision": {"decision": "approve", "approval": yes}}
        crew.graph.invoke(
            Command(update=made_up, goto="apply"),
            {"configurable": {"thread_id": "another thread"}, "recursion_limit": 60},
            context=crew.context,
            version="v2",
        )
    assert refusals(shop) == {"replayed"}
    assert state_of(production.dsn) == after
    assert len(wrote(recorder)) == written


@pytest.mark.parametrize("raw", [True, False], ids=["past our lock", "as the talk does"])
def test_eight_processes_that_resume_one_approved_thread_apply_once(
    shop: Shop, recorder: Recorder, production: SandboxDatabase, tmp_path: Path, raw: bool
) -> None:
    with shop.crew() as crew:
        standing = crew.start(shop.thread, {"wants_apply": True})
        assert standing.question
        yes, sha = shop.genuine(crew, standing), standing.question["plan_sha256"]
    context = resumer.ready()
    barrier = context.Barrier(8)
    results = [tmp_path / f"{n}.json" for n in range(8)]
    job = {"root": str(shop.root), "dsn": recorder.dsn.reveal(), "approval": yes, "plan_sha256": sha, "raw": raw}
    crowd = [resumer.start({**job, "result": str(r)}, barrier) for r in results]
    for process in crowd:
        process.join(120)
    told = [json.loads(r.read_text()) for r in results]
    assert applied_in(production.dsn) == ["003_loyalty", "004_phone"]
    assert sum("CREATE TABLE loyalty" in s for s in recorder.statements) == 1
    assert sum("ADD COLUMN phone" in s for s in recorder.statements) == 1
    did = [t for t in told if (t.get("applied") or {}).get("ok")]
    assert did and all(len(t["applied"]["done"]) == 2 for t in did)
    if not raw:  # past our lock the processes write over each other's state: what they read there is no one's own
        assert len(did) == 1 and not did[0]["applied"]["notes"], "one did it; others may say that it was done before"
        assert [t["reason"] for t in told if t not in did] == ["not-waiting"] * 7
    assert not [t for t in told if t.get("reason") == "crash"], told


def test_nothing_in_graph_agents_or_tools_of_a_model_can_sign() -> None:
    """Only commands of a person import what signs, and only the ledger opens a session that can write."""
    root = Path(agentdb.__file__).parent
    for floor in ("agents", "graph", "prompts"):
        for path in (root / floor).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            called = {
                n.func.attr for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)
            }
            called |= {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
            assert not called & {"sign", "signature", "create_local_key"}, path
    signers = [p for p in (root / "cli").rglob("*.py") if "approvals.sign(" in p.read_text(encoding="utf-8")]
    assert {p.name for p in signers} <= {"approve.py", "deciding.py", "demo.py", "emergency_gate.py"}


def edit(shop: Shop, more: str) -> None:
    path = shop.layout.pending / "004_phone.sql"
    path.write_text(path.read_text() + more)


def question(scene: Scene) -> dict[str, Any]:
    assert scene.standing.question is not None
    return scene.standing.question


def refusals(shop: Shop) -> set[str]:
    """Why the ledger refused in this project so far, as its local record says."""
    entries = audit.local_entries(shop.layout.state_dir)
    return {str(e.detail.get("reason")) for e in entries if e.event == "refused"}
