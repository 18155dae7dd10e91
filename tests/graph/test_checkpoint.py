"""Threads on disk: the owner's alone, one process at a time, and nothing in them can build a class."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from support.shop import VARIABLE

from agentdb.config import GraphSettings, Settings
from agentdb.errors import ConfigError, DatabaseError, RefusedError, UsageError
from agentdb.graph.checkpoint import checkpointer, held, private_file
from agentdb.tools.sandbox.databases import SandboxDatabase


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_file_and_its_side_files_are_the_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / ".agentdb"
    before = os.umask(0)
    try:
        with checkpointer(Settings(), folder, {}):
            assert mode(folder) == 0o700
            assert {p.name for p in folder.iterdir()} == {"state.db", "state.db-shm", "state.db-wal"}
            assert {mode(p) for p in folder.iterdir()} == {0o600}
    finally:
        os.umask(before)


def test_an_open_file_is_closed_to_others_again(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    path = tmp_path / "state.db"
    path.touch(mode=0o644)
    private_file(tmp_path, "state.db")
    assert (mode(tmp_path), mode(path)) == (0o700, 0o600)


def test_a_link_in_the_files_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("")
    (tmp_path / "state.db").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="cannot be made private"):
        private_file(tmp_path, "state.db")


def test_a_file_that_is_no_database_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_text("this is not a database, it is a shopping list\n" * 100)
    with pytest.raises(UsageError, match="the store of threads cannot be used"), checkpointer(Settings(), tmp_path, {}):
        pass


def test_postgresql_keeps_threads_when_the_settings_say_so(tmp_path: Path, database: SandboxDatabase) -> None:
    settings = Settings(graph=GraphSettings(checkpoint_dsn_env=VARIABLE))
    for _ in range(2):  # the second time the tables are there
        with checkpointer(settings, tmp_path / "none", {VARIABLE: database.dsn.reveal()}) as saver:
            assert list(saver.list({"configurable": {"thread_id": "x"}})) == []
    assert not (tmp_path / "none").exists()
    with pytest.raises(ConfigError, match=VARIABLE), checkpointer(settings, tmp_path, {}):
        pass
    nowhere = {VARIABLE: "postgresql://u:hunter2@127.0.0.1:1/x"}
    with pytest.raises(DatabaseError) as refused, checkpointer(settings, tmp_path, nowhere):
        pass
    assert "hunter2" not in str(refused.value)


def test_a_thread_is_worked_on_by_one_at_a_time(tmp_path: Path) -> None:
    with held(tmp_path, "one"), held(tmp_path, "other"):
        with pytest.raises(RefusedError) as refused, held(tmp_path, "one", wait=0.1):
            pass
        assert refused.value.reason == "thread-in-use"
    with held(tmp_path, "one", wait=0):
        pass


def run(code: str, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if k != "LANGGRAPH_STRICT_MSGPACK"}
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], env=clean | environ, capture_output=True, text=True, check=False
    )


def test_langgraph_is_strict_because_of_us_and_refused_when_it_is_not() -> None:
    done = run("""
        import agentdb.graph
        from langgraph.checkpoint.serde import _msgpack
        assert _msgpack.STRICT_MSGPACK_ENABLED
    """)
    assert done.returncode == 0, done.stderr
    done = run("""
        import langgraph.checkpoint.serde._msgpack
        import agentdb.graph
    """)
    assert "RefusedError" in done.stderr and "strict deserialisation" in done.stderr
    done = run("import langgraph.checkpoint.serde._msgpack, agentdb.graph", LANGGRAPH_STRICT_MSGPACK="true")
    assert done.returncode == 0, done.stderr


CANARY = """
import ormsgpack, pathlib, sys, types
class Canary:
    def __init__(self, *given):
        pathlib.Path(PLACE).write_text("dead")
module = types.ModuleType("canary")
module.Canary = Canary
Canary.__module__ = "canary"
sys.modules["canary"] = module
EVIL = ormsgpack.packb(ormsgpack.Ext(1, ormsgpack.packb(("canary", "Canary", ["x"]))))
"""


def test_a_class_named_in_a_stored_state_is_not_built(tmp_path: Path) -> None:
    """The canary's constructor writes a file; it is planted where the crew would read it back."""
    place = tmp_path / "sang"
    canary = f"PLACE = {str(place)!r}\n{CANARY}"
    done = run(
        canary
        + textwrap.dedent(f"""
            import agentdb.graph
            from agentdb.config import Settings
            from agentdb.graph.checkpoint import checkpointer
            from agentdb.graph.build import build

            config = {{"configurable": {{"thread_id": "x"}}}}
            with checkpointer(Settings(), pathlib.Path({str(tmp_path)!r}), {{}}) as saver:
                graph = build(saver)
                graph.update_state(config, {{"plan": {{"sha256": "MARK"}}}}, as_node="report")
                mark = ormsgpack.packb("MARK")
                for id, blob in saver.conn.execute("SELECT checkpoint_id, checkpoint FROM checkpoints").fetchall():
                    assert mark in blob
                    evil = (blob.replace(mark, EVIL), id)
                    saver.conn.execute("UPDATE checkpoints SET checkpoint = ? WHERE checkpoint_id = ?", evil)
                saver.conn.commit()
                print("read back:", type(graph.get_state(config).values["plan"]["sha256"]).__name__)
            """)
    )
    assert done.returncode == 0, done.stderr
    assert "read back:" in done.stdout and "Canary" not in done.stdout
    assert not place.exists()

    control = run(
        canary
        + "from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer\n"
        + 'JsonPlusSerializer().loads_typed(("msgpack", EVIL))'
    )
    assert control.returncode == 0 and place.exists(), "without strict deserialisation the same bytes do build it"
