"""The house keeps its own rules: imports run downwards, the front door is quick, the wheel holds what it needs."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FLOORS = ["errors", "config", "migrations", "prompts", "tools", "agents", "graph", "cli"]
TOOL_FLOORS = [
    {"records", "naming", "files"},
    {"sql"},
    {"databases"},
    {"schema"},
    {"hazards", "sandbox"},
    {"preconditions", "appcompat"},
    {"rollback", "conflicts", "docs", "health", "ledger"},
    {"report", "rehearse", "fixes"},
    {"emergency"},
    {"pullrequest"},
]
BESIDE = {("files", "naming"), ("files", "records")}
SOURCES = sorted(p for floor in FLOORS for p in [ROOT / f"{floor}.py", *(ROOT / floor).rglob("*.py")] if p.is_file())
HEAVY = ("langgraph", "langchain", "langchain_core", "langchain_openai", "openai", "langsmith")


def imports_of(path: Path) -> list[tuple[int, str]]:
    """(line, absolute dotted module) of each import in a file, wherever it stands."""
    package = ("agentdb", *path.relative_to(ROOT).parent.parts)
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, [base, node.module or ""]))
            found.append((node.lineno, module))
            found += [(node.lineno, f"{module}.{alias.name}") for alias in node.names]
    return found


def floor_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "agentdb" and parts[1] in FLOORS else None


def test_there_are_sources_to_look_at() -> None:
    assert len(SOURCES) > 40


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_imports_run_downwards() -> None:
    wrong = []
    for path in SOURCES:
        own = path.relative_to(ROOT).parts[0].removesuffix(".py")
        for line, module in imports_of(path):
            floor = floor_of(module)
            if floor is None:
                continue
            allowed = ("tools", "errors", "migrations") if own == "tools" else FLOORS[: FLOORS.index(own) + 1]
            if floor not in allowed:
                wrong.append(f"{place(path)}:{line}: {own} imports {module}")
    assert wrong == []


def test_tools_import_only_lower_tools() -> None:
    rank = {name: level for level, names in enumerate(TOOL_FLOORS) for name in names}
    wrong = []
    for path in SOURCES:
        parts = path.relative_to(ROOT).parts
        own = parts[1].removesuffix(".py") if parts[0] == "tools" and len(parts) > 1 else ""
        for line, module in imports_of(path) if own in rank else ():
            pieces = module.split(".")
            if pieces[:2] != ["agentdb", "tools"] or len(pieces) < 3 or pieces[2] not in rank:
                continue
            if not (pieces[2] == own or rank[pieces[2]] < rank[own] or (own, pieces[2]) in BESIDE):
                wrong.append(f"{place(path)}:{line}: {own} imports {module}")
    assert wrong == []


def test_only_graph_and_agents_know_the_model_libraries() -> None:
    wrong = [
        f"{place(path)}:{line} imports {module}"
        for path in SOURCES
        if path.relative_to(ROOT).parts[0] not in ("agents", "graph")
        for line, module in imports_of(path)
        if module.split(".")[0] in HEAVY
    ]
    assert wrong == []


def test_files_fit_in_a_head() -> None:
    assert [place(p) for p in SOURCES if len(p.read_text(encoding="utf-8").splitlines()) > 420] == []


def clean_environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith(("AGENTDB_", "OPENAI_", "LANGSMITH_"))}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["status"], ["check", "--static"]], ids=lambda a: " ".join(a)
)
def test_quick_commands_load_no_model_library(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "migrations/pending").mkdir(parents=True)
    (tmp_path / "migrations/pending/001_a.sql").write_text("CREATE TABLE a (id bigint PRIMARY KEY);\n")
    code = f"""
import sys, json
from agentdb.cli.app import main
try:
    main({arguments!r})
except SystemExit as stop:
    assert not stop.code, stop.code
loaded = sorted({{m.split(".")[0] for m in sys.modules}} & set({HEAVY!r}))
print("LOADED", json.dumps(loaded))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=clean_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout.split("LOADED ")[1]) == []


def test_help_loads_only_typer_and_the_house(tmp_path: Path) -> None:
    code = """
import sys
from agentdb.cli.app import main
try:
    main(["--help"])
except SystemExit:
    pass
for heavy in ("pydantic", "psycopg", "sqlglot", "postgast", "rich", "prompt_toolkit"):
    assert heavy not in sys.modules, heavy
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_wheel_holds_code_and_data_and_nothing_else(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    names = set(zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist())
    packed = {n for n in names if ".dist-info/" not in n}
    assert all(n.startswith("agentdb/") for n in packed)
    for wanted in ("agentdb/cli/app.py", "agentdb/examples/shop/agentdb.toml", "agentdb/py.typed"):
        assert wanted in names
    assert any(n.startswith("agentdb/migrations/") and n.endswith(".sql") for n in names)
    assert any(n.startswith("agentdb/prompts/") and n.endswith(".md") for n in names)
    assert not [n for n in packed if n.startswith(("agentdb/tests/", "agentdb/evals/", "agentdb/bench/"))]
