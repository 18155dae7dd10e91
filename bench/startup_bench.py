"""What starting the command line costs, as a ratio of CPU time to a bare `import typer`, in one run.

Compile first (`python -m compileall`), as an installed package is: without bytecode every figure is two to three
times as large. Prints one line a command: median CPU of both, and their ratio.
"""

from __future__ import annotations

import compileall
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RUNS = 15
COMMANDS = {"--help": ["--help"], "check --static, one file": ["check", "--static", "one.sql"]}


def cpu_of(arguments: list[str], folder: str) -> float:
    """CPU seconds (user and system) of one process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(arguments, cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


def main() -> None:
    for folder in ("agents", "cli", "graph", "prompts", "tools"):
        compileall.compile_dir(str(ROOT / folder), quiet=2)
    script = str(Path(sys.executable).with_name("agentdb"))
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "one.sql").write_text("ALTER TABLE orders ADD COLUMN note text;\n")
        for name, arguments in COMMANDS.items():
            ours, bare = [], []
            for _ in range(RUNS):
                bare.append(cpu_of([sys.executable, "-c", "import typer"], folder))
                ours.append(cpu_of([script, *arguments], folder))
            ratio = statistics.median(ours) / statistics.median(bare)
            print(
                f"agentdb {name}: {statistics.median(ours) * 1000:.0f} ms CPU, "
                f"import typer: {statistics.median(bare) * 1000:.0f} ms, ratio {ratio:.2f}"
            )


if __name__ == "__main__":
    main()
